// Package redisstore keeps grants and sign-ins in Redis 7 or newer, for any
// number of processes on any number of machines: on one server, behind sentinels
// or on a cluster.
//
// Redis acknowledges a write before its replicas have it, and by default before
// its disk has it. What that can cost is below, measured. Where an
// authorization is worth more than speed, keep grants in PostgreSQL.
//
// # What it guarantees
//
// A write is one Lua script, sent once: never a second time by any client,
// whatever its MaxRetries. It takes its time from the server's clock, reads from
// the primary alone, and one that a replica runs refuses. A write that the
// server refused is oauth.ErrNotWritten; one whose answer was lost is
// oauth.ErrUnknown. Versions are random, so that none comes back after a
// failover.
//
// While the server is away nothing is refreshed, and calls go on with the access
// tokens that live. [Store.Watch] tells of other processes' writes at once.
//
// # What to set
//
//   - appendonly yes and appendfsync always: nothing that was acknowledged is
//     lost in a crash. With everysec, a part of the last second is.
//   - maxmemory-policy noeviction: a key that is evicted is a user who has to
//     sign in again. Other policies are refused.
//   - min-replicas-to-write 1, with replicas: a primary that is cut off from them
//     then refuses writes, which a failover would lose.
//   - A user of its own, here for the prefix rblx:
//     ACL SETUSER app on >password ~rblx:* &rblx:* +evalsha +eval +info +time
//     +get +set +exists +del +hset +hmget +hdel +zadd +zrem +zscore +zcard
//     +zrange +zrangebylex +zrangebyscore +zremrangebyscore +pexpireat +publish
//     +subscribe +unsubscribe +ping, on a cluster also +cluster +command
//
// # What a crash and a failover cost
//
// Eight clients wrote 900-byte grants as fast as they could for 1.5 s, five
// times, on a busy machine of two cores (go test -run KilledUnderLoad -kills=5):
//
//	what happened                         acknowledged   lost
//	SIGKILL, appendfsync always                  3,595      0
//	SIGKILL, appendfsync everysec               61,234    167
//	power cut, everysec, a second unflushed     47,122 35,460
//
// Redis holds writes back for up to two seconds while a flush is under way, so
// that everysec loses a little even if the server alone dies. A replica that is
// promoted lacks what had not reached it. If one of the lost writes was a
// rotation, the refresh token it held is spent: the authorization is lost unless
// a process still has the newer row, and writes it back. If it was the
// announcement of a refresh, the refresh may be under way. Therefore each row
// says under which run of the store it was written; a row of another run is
// quarantined: nothing is sent until what may be under way has drained, and a
// refusal is recorded as oauth.ReasonLostInFlight, never silently.
//
// # What a run is
//
// The run is the server's replication id (master_replid), read inside each
// script, on the server that runs it and at that moment: it names a history of
// the data. It changes with every promotion of a replica and every restart. The
// server's own run_id would not do: a primary that is demoted, loses its last
// writes to the new primary's data and is promoted again has the same one. A key
// in the data would not do either, since it comes back along with old data.
//
// A restart after which nothing is missing is a new run, too. No script can see
// how the server was configured when it wrote, or whether its files were
// exchanged, and to be wrong would mean to send a refresh token twice. It costs
// each grant one write, one refresh that waits for the end of its access token
// instead of coming before, and for two generations the reason lost_in_flight
// where a user has revoked. The same goes for grants whose slots move to another
// server of a cluster, and, for an hour's lack of replicas (repl-backlog-ttl),
// for all: Redis then begins a new history by itself.
//
// # Layout and size
//
// Grants are spread over 256 buckets by a hash of their id. All keys of a bucket
// have one hash tag, so that on a cluster a script finds row and indices on one
// server: prefix:{bucket}:grant:ID, and the sorted sets subjects, states, due and
// claims. Find and ClaimDue ask all buckets, in four round trips and in one.
// While a slot is moved, writes to its grants may be refused (TRYAGAIN) and
// are tried again by their callers. Sign-ins are bounded to some hundred
// thousand, of which those give way that expire first.
//
// A write took 0.3 ms on that machine with one client and no disk, 0.5 ms under
// everysec, 7 ms under always; operations per second with 1, 8 and 64 clients:
//
//	appendonly    writes                  reads
//	no            3,250  8,240  4,150     3,220  7,430  3,780
//	everysec      1,910  2,300  3,170     6,320  2,600  3,820
//	always          144    604  1,890     2,000  2,120  4,160
package redisstore

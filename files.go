package opencloud

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// files are what the bodies of one request, which may be sent several times,
// are read from. As the bodies share them, only the last one reads: the
// connection that an earlier one was for may not know yet that it is dead.
//
// A file may take its time, and net/http waits for the Read of a body whatever
// the context says. So files are read by a goroutine of their own, into a buffer
// of their own.
type files struct {
	payload *payload
	rewinds []func() error
	ctx     context.Context //nolint:containedctx // the call's, which a Read is not told
	cancel  context.CancelFunc
	// slot is held by who reads or seeks, and guards what follows.
	slot  chan struct{}
	last  *body
	wants chan want // nil until something is read
	done  chan result

	once sync.Once // end
}

// want asks for at most max bytes of a body.
type want struct {
	content io.Reader
	max     int
}

type result struct {
	read []byte // until the next one
	err  error
}

// body is one of the bodies.
type body struct {
	content io.Reader
	of      *files
}

// maxRead is the most that is read from a file at a time, as much as net/http
// writes at a time.
const maxRead = 32 << 10

// lastRead is how long a call waits for a Read in progress, once its context
// has ended.
const lastRead = time.Second

func newFiles(ctx context.Context, p *payload, rewinds []func() error, timeout time.Duration) *files {
	f := &files{payload: p, rewinds: rewinds, slot: make(chan struct{}, 1), done: make(chan result, 1)}
	if timeout > 0 {
		f.ctx, f.cancel = context.WithTimeout(ctx, timeout)
	} else {
		f.ctx, f.cancel = context.WithCancel(ctx)
	}
	return f
}

// again is a request's GetBody.
func (f *files) again() (io.ReadCloser, error) {
	if err := f.take(); err != nil {
		return nil, err
	}
	defer f.release()
	if err := f.rewind(); err != nil {
		return nil, err
	}
	return f.next(), nil
}

// next returns a body in place of the last one.
func (f *files) next() *body {
	f.last = &body{f.payload.reader(), f}
	return f.last
}

func (f *files) rewind() error {
	for _, rewind := range f.rewinds {
		if err := rewind(); err != nil {
			return err
		}
	}
	return nil
}

// take waits until nobody reads, as long as the context allows.
func (f *files) take() error {
	select {
	case f.slot <- struct{}{}:
		return nil
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
}

func (f *files) release() { <-f.slot }

// end takes the files back for good: nobody reads them after it, unless a Read
// lasts longer than it waits. After a failure they are put back to where they
// were, so that the caller may try again with them.
func (f *files) end(failed bool) {
	if f == nil {
		return
	}
	f.once.Do(func() {
		defer f.cancel()
		if f.take() != nil && !f.takeLate() {
			return
		}
		if failed {
			_ = f.rewind() // one that is not where it was fails the next call, or shows there
		}
	})
}

// takeLate is take for when the context has ended.
func (f *files) takeLate() bool {
	late := time.NewTimer(lastRead)
	defer late.Stop()
	select {
	case f.slot <- struct{}{}:
		return true
	case <-late.C:
		return false
	}
}

// Read implements io.Reader. It returns when the context ends.
func (b *body) Read(p []byte) (int, error) {
	f := b.of
	if err := f.take(); err != nil {
		return 0, err
	}
	if f.last != b || f.ctx.Err() != nil {
		f.release()
		return 0, errors.New("opencloud: the request is over, or being sent again")
	}
	if f.wants == nil {
		f.wants = make(chan want)
		go f.read()
	}
	select {
	case f.wants <- want{b.content, len(p)}:
	case <-f.ctx.Done():
		f.release()
		return 0, context.Cause(f.ctx)
	}
	select {
	case r := <-f.done:
		n := copy(p, r.read)
		f.release()
		return n, r.err
	case <-f.ctx.Done():
		go func() {
			<-f.done
			f.release()
		}()
		return 0, context.Cause(f.ctx)
	}
}

// read reads what is wanted, until the context ends.
func (f *files) read() {
	for buffer := make([]byte, maxRead); ; {
		select {
		case w := <-f.wants:
			n, err := w.content.Read(buffer[:min(w.max, maxRead)])
			f.done <- result{buffer[:n], err}
		case <-f.ctx.Done():
			return
		}
	}
}

// Close implements io.Closer; what was read from belongs to the caller.
func (b *body) Close() error { return nil }

// answerBody is the body of a success, with which the files are done.
type answerBody struct {
	io.ReadCloser
	files *files
}

// Close implements io.Closer.
func (b *answerBody) Close() error {
	err := b.ReadCloser.Close()
	b.files.end(false)
	return err
}

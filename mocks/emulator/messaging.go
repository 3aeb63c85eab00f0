package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// Message is one that was published to the servers of an experience.
type Message struct {
	Universe string
	Topic    string
	Message  string
	// UserID is whose access token published it; "" for the API key.
	UserID string
	Time   time.Time
}

// Messages returns the messages published so far, oldest first.
func (e *Emulator) Messages() []Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.world.messages)
}

func (e *Emulator) messagingRoutes() []route {
	op := operation{scope: "universe-messaging-service:publish", on: "universes"}
	v1 := op
	v1.v1 = true
	return []route{
		newRoute(EndpointCloud, "POST", "/cloud/v2/universes/{universes}:publishMessage", e.cloud(op, e.publish)),
		newRoute(EndpointCloud, "POST", "/messaging-service/v1/universes/{universes}/topics/{topic}", e.cloud(v1, e.publish)),
	}
}

// publish takes a message of up to 1 KiB for a topic of up to 80 characters.
func (e *Emulator) publish(c caller, r *http.Request, v vars) (*reply, *apiError) {
	if e.world.universes[v["universes"]] == nil {
		return nil, noSuch("universe")
	}
	var body struct {
		Topic   *string `json:"topic"`
		Message *string `json:"message"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Message == nil {
		return nil, invalidArgument("The body must be JSON with a message.")
	}
	topic := v["topic"] // the v1 path has it
	if topic == "" && body.Topic != nil {
		topic = *body.Topic
	}
	switch {
	case topic == "" || len(topic) > 80:
		return nil, invalidArgument("The topic must have 1 to 80 characters.")
	case *body.Message == "" || len(*body.Message) > 1024:
		return nil, invalidArgument("The message must have 1 to 1024 bytes.")
	}
	m := Message{Universe: v["universes"], Topic: topic, Message: *body.Message, Time: e.Now()}
	if c.grant != nil {
		m.UserID = c.grant.sub
	}
	e.world.messages = append(e.world.messages, m)
	if v["topic"] != "" {
		return &reply{status: http.StatusOK}, nil // v1 has no body
	}
	return ok(struct{}{})
}

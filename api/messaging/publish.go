package messaging

import "context"

// Publish is [Client.PublishMessage] with its parts as arguments: it publishes
// message on topic to all running servers of the universe.
func (c *Client) Publish(ctx context.Context, universeID, topic, message string) error {
	return c.PublishMessage(ctx, universeID, PublishMessageRequest{Topic: topic, Message: message})
}

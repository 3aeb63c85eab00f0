package transport

// Lanes returns how many limits p holds in memory.
func (p *Pacer) Lanes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.lanes)
}

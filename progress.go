package opencloud

import "io"

// content returns what is to be sent: Content, or Content that reports.
func (f File) content() io.Reader {
	if f.Progress == nil {
		return f.Content
	}
	p := &progress{r: f.Content, report: f.Progress}
	if s, ok := f.Content.(io.Seeker); ok {
		return &seekingProgress{p, s}
	}
	return p
}

// progress reports what was read, at once: a success comes after all of it has.
// It is ahead of the connection by one buffer of net/http's.
type progress struct {
	r      io.Reader
	sent   int64
	report func(int64)
}

// Read implements io.Reader.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if n > 0 {
		p.sent += int64(n)
		p.report(p.sent)
	}
	return n, err
}

// seekingProgress begins anew wherever it is put.
type seekingProgress struct {
	*progress
	s io.Seeker
}

// Seek implements io.Seeker.
func (p *seekingProgress) Seek(offset int64, whence int) (int64, error) {
	p.sent = 0
	return p.s.Seek(offset, whence)
}

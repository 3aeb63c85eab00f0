package opencloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"reflect"
	"strings"
)

// Multipart is a multipart/form-data body in the making (RFC 7578). Files in it
// are sent as they are read and are never held in memory.
type Multipart struct{ parts []part }

type part struct {
	name  string
	value any
}

// Add appends a part, unless it is unset as [Query.Add] defines that. A [File]
// and each element of a []File is a file; a struct or a pointer to one is a part
// in JSON and is always set, unless the pointer is nil; every other value is
// text.
func (m *Multipart) Add(name string, value any) {
	switch v := value.(type) {
	case File:
		if v.Content != nil {
			m.Set(name, v)
		}
		return
	case []File:
		for _, f := range v {
			m.Add(name, f)
		}
		return
	}
	if v := reflect.ValueOf(value); v.IsValid() && (v.Kind() == reflect.Struct || !v.IsZero()) {
		m.Set(name, value)
	}
}

// Set appends a part even if its value is zero.
func (m *Multipart) Set(name string, value any) { m.parts = append(m.parts, part{name, value}) }

// encode writes the parts down; what files hold is left to be read.
func (m *Multipart) encode() (*payload, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	p := &payload{contentType: w.FormDataContentType()}
	for _, part := range m.parts {
		content, file, err := part.content()
		if err != nil {
			return nil, err
		}
		out, err := w.CreatePart(part.header())
		if err != nil {
			return nil, err
		}
		if file == nil {
			_, _ = out.Write(content) // into b, which takes everything
			continue
		}
		p.pieces = append(p.pieces, bytes.Clone(b.Bytes()), file.content())
		b.Reset()
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	p.pieces = append(p.pieces, b.Bytes())
	return p, nil
}

// content returns the part's bytes, or the file that has them.
func (p part) content() ([]byte, *File, error) {
	v := reflect.ValueOf(p.value)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if file, ok := reflect.TypeAssert[File](v); ok {
		if file.Content == nil {
			return nil, nil, invalid("the file %s has no Content", p.name)
		}
		return nil, &file, nil
	}
	if p.json() {
		b, err := json.Marshal(p.value)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: the part %s: %w", ErrInvalidArgument, p.name, err)
		}
		return b, nil, nil
	}
	return []byte(formatValue(v)), nil, nil
}

// json reports whether the part is sent as JSON.
func (p part) json() bool {
	t := reflect.TypeOf(p.value)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct:
		return t != reflect.TypeFor[File]()
	case reflect.Map, reflect.Slice:
		return true
	}
	return false
}

func (p part) header() textproto.MIMEHeader {
	quote := strings.NewReplacer("\\", "\\\\", `"`, `\"`, "\r", "%0D", "\n", "%0A").Replace
	disposition := fmt.Sprintf(`form-data; name="%s"`, quote(p.name))
	h := textproto.MIMEHeader{}
	if file, ok := p.value.(File); ok {
		name := file.Name
		if name == "" {
			name = "file" // a part without a filename is no file to most servers
		}
		disposition += fmt.Sprintf(`; filename="%s"`, quote(name))
		h.Set("Content-Type", file.contentType())
	} else if p.json() {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Content-Disposition", disposition)
	return h
}

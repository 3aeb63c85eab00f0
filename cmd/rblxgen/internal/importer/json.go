package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// maxDepth is more than any honest document nests.
const maxDepth = 200

// decodeJSON reads one JSON object into a tree. Every object schema learns the
// order in which its properties stand, as x-rblx-order, which a Go map forgets.
func decodeJSON(text []byte) (spec.Object, error) {
	d := &decoder{json: json.NewDecoder(bytes.NewReader(text))}
	d.json.UseNumber()
	v, err := d.value(0)
	if err == nil {
		if _, more := d.json.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more after the end of the document")
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the text ends in the middle")
		}
		line, column := position(text, int(d.json.InputOffset()))
		return nil, fmt.Errorf("line %d, column %d: no JSON: %w", line, column, err)
	}
	o, ok := v.(spec.Object)
	if !ok {
		return nil, errors.New("line 1, column 1: no OpenAPI document: it is no JSON object")
	}
	return o, nil
}

// position returns the line and column, from 1, of an offset.
func position(text []byte, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

type decoder struct{ json *json.Decoder }

func (d *decoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxDepth)
	}
	token, err := d.json.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return d.list(depth)
		}
		o, _, err := d.object(depth)
		return o, err
	case json.Number:
		if n, err := t.Int64(); err == nil {
			return int(n), nil
		}
		return t.Float64()
	}
	return token, nil
}

// object reads what follows a brace; order lists its keys as they stand.
func (d *decoder) object(depth int) (o spec.Object, order []any, err error) {
	o = spec.Object{}
	var properties []any
	for d.json.More() {
		token, err := d.json.Token()
		if err != nil {
			return nil, nil, err
		}
		key, _ := token.(string) // the decoder lets nothing else stand here
		v, err := d.member(key, depth+1, &properties)
		if err != nil {
			return nil, nil, err
		}
		o[key] = v
		order = append(order, key)
	}
	if _, err := d.json.Token(); err != nil {
		return nil, nil, err
	}
	if len(properties) > 0 && isObject(o["type"]) {
		o["x-rblx-order"] = properties
	}
	return o, order, nil
}

// isObject reads the type of a schema; in OpenAPI 3.1 it may be a list.
func isObject(kind any) bool {
	list, _ := kind.([]any)
	return kind == "object" || slices.Contains(list, any("object"))
}

// member reads the value of a key, and the order of its keys if they are
// properties.
func (d *decoder) member(key string, depth int, properties *[]any) (any, error) {
	if key != "properties" || depth > maxDepth {
		return d.value(depth)
	}
	token, err := d.json.Token()
	if err != nil {
		return nil, err
	}
	if token != json.Delim('{') {
		return nil, fmt.Errorf("properties must be an object, not %s", strings.TrimSpace(fmt.Sprint(token)))
	}
	o, order, err := d.object(depth)
	*properties = order
	return o, err
}

func (d *decoder) list(depth int) ([]any, error) {
	out := []any{}
	for d.json.More() {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := d.json.Token()
	return out, err
}

package mocks

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/rblx-go/opencloud"
)

// call is a request that is being taken apart into a method's arguments. The
// first thing that goes wrong is kept.
type call struct {
	*http.Request

	method *opencloud.Method
	err    error
}

func (c *call) fail(err error) {
	if err != nil && c.err == nil {
		c.err = err
	}
}

// path returns the path parameter at that place.
func (c *call) path(i int) string {
	found := template(c.method.Path).FindStringSubmatch(c.URL.EscapedPath())
	if len(found) <= i+1 {
		c.fail(fmt.Errorf("%s has no parameter %d of %s", c.URL.Path, i, c.method.Path))
		return ""
	}
	value, err := url.PathUnescape(found[i+1])
	c.fail(err)
	return value
}

// query returns a query parameter.
func query[T any](c *call, name string) (v T) {
	c.fail(set(reflect.ValueOf(&v).Elem(), c.URL.Query()[name]))
	return v
}

// header returns a header.
func header[T any](c *call, name string) (v T) {
	c.fail(set(reflect.ValueOf(&v).Elem(), c.Header.Values(name)))
	return v
}

// params returns the optional parameters, by the tags of T's fields.
func params[T any](c *call) *T {
	p := new(T)
	v := reflect.ValueOf(p).Elem()
	queries := c.URL.Query()
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if name, ok := tag.Lookup("query"); ok {
			c.fail(set(v.Field(i), queries[name]))
		} else if name, ok := tag.Lookup("header"); ok {
			c.fail(set(v.Field(i), c.Header.Values(name)))
		}
	}
	return p
}

// body returns the body, which is JSON.
func body[T any](c *call) (v T) {
	c.fail(json.NewDecoder(c.Body).Decode(&v))
	return v
}

// file returns the body as it is.
func file(c *call) opencloud.File {
	content, err := io.ReadAll(c.Body)
	c.fail(err)
	return opencloud.File{ContentType: c.Header.Get("Content-Type"), Content: bytes.NewReader(content)}
}

// parts returns the multipart body, by the tags of T's fields.
func parts[T any](c *call) (body T) {
	reader, err := c.MultipartReader()
	if err != nil {
		c.fail(err)
		return body
	}
	v := reflect.ValueOf(&body).Elem()
	for {
		p, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return body
		}
		if err != nil {
			c.fail(err)
			return body
		}
		content, err := io.ReadAll(p)
		c.fail(err)
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("form") == p.FormName() {
				c.fail(part(v.Field(i), opencloud.File{Name: p.FileName(), ContentType: p.Header.Get("Content-Type"), Content: bytes.NewReader(content)}, content))
			}
		}
	}
}

// part sets a field to a part's content.
func part(v reflect.Value, f opencloud.File, content []byte) error {
	kind, _, _ := mime.ParseMediaType(f.ContentType)
	switch {
	case v.Type() == reflect.TypeFor[opencloud.File]():
		v.Set(reflect.ValueOf(f))
	case v.Type() == reflect.TypeFor[[]opencloud.File]():
		v.Set(reflect.Append(v, reflect.ValueOf(f)))
	case kind == "application/json":
		return json.Unmarshal(content, v.Addr().Interface())
	default:
		return set(v, []string{string(content)})
	}
	return nil
}

// set parses the texts of a query, header or form into v; none leave it as it is.
func set(v reflect.Value, texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	text := texts[0]
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		return u.UnmarshalText([]byte(text))
	}
	var err error
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return set(v.Elem(), texts)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), len(texts), len(texts)))
		for i := range texts {
			err = errors.Join(err, set(v.Index(i), texts[i:i+1]))
		}
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(text)
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		v.SetInt(n)
	case reflect.Float64:
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		v.SetFloat(f)
	default:
		return fmt.Errorf("a %s cannot be read from a request", v.Type())
	}
	return err
}

package importer

import (
	"fmt"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// shapeCheck checks that mappings and lists stand where OpenAPI has them, so that
// everything after it may rely on that, and names the place where they do not.
// It keeps the first error.
type shapeCheck struct{ err error }

func checkShape(doc spec.Object) error {
	c := &shapeCheck{}
	for path, item := range c.each(doc, "paths", "") {
		place := "/paths/" + path
		o := c.mapping(item, place)
		c.parameters(o, place)
		for _, verb := range spec.Verbs() {
			if v, has := o[verb]; has {
				c.operation(c.mapping(v, place+"/"+verb), place+"/"+verb)
			}
		}
	}
	components := c.at(doc, "components", "")
	for name, schema := range c.each(components, "schemas", "/components") {
		c.schema(schema, "/components/schemas/"+name)
	}
	for _, kind := range []string{"requestBodies", "responses"} {
		for name, body := range c.each(components, kind, "/components") {
			c.body(c.mapping(body, "/components/"+kind+"/"+name), "/components/"+kind+"/"+name)
		}
	}
	return c.err
}

func (c *shapeCheck) operation(op spec.Object, place string) {
	c.parameters(op, place)
	if body, has := op["requestBody"]; has {
		c.body(c.mapping(body, place+"/requestBody"), place+"/requestBody")
	}
	if op["responses"] == nil {
		c.fail(place+"/responses", "is missing")
	}
	for status, response := range c.each(op, "responses", place) {
		here := place + "/responses/" + status
		r := c.mapping(response, here)
		c.body(r, here)
		for name, header := range c.each(r, "headers", here) {
			h := c.mapping(header, here+"/headers/"+name)
			c.schemaAt(h, "schema", here+"/headers/"+name)
		}
	}
}

func (c *shapeCheck) parameters(o spec.Object, place string) {
	for i, e := range c.list(o, "parameters", place) {
		here := fmt.Sprintf("%s/parameters/%d", place, i)
		p := c.mapping(e, here)
		c.schemaAt(p, "schema", here)
	}
}

func (c *shapeCheck) body(o spec.Object, place string) {
	for kind, content := range c.each(o, "content", place) {
		m := c.mapping(content, place+"/content/"+kind)
		c.schemaAt(m, "schema", place+"/content/"+kind)
	}
}

func (c *shapeCheck) schemaAt(o spec.Object, key, place string) {
	if v, has := o[key]; has {
		c.schema(v, place+"/"+key)
	}
}

// schema checks a schema and those in it. OpenAPI 3.1 has true and false too.
func (c *shapeCheck) schema(v any, place string) {
	if _, is := v.(bool); is {
		return
	}
	o := c.mapping(v, place)
	for name, property := range c.each(o, "properties", place) {
		c.schema(property, place+"/properties/"+name)
	}
	c.schemaAt(o, "items", place)
	c.schemaAt(o, "additionalProperties", place)
	for _, k := range []string{"allOf", "oneOf", "anyOf"} {
		all := c.list(o, k, place)
		if _, has := o[k]; has && len(all) == 0 {
			c.fail(place+"/"+k, "is empty")
		}
		for i, e := range all {
			c.schema(e, fmt.Sprintf("%s/%s/%d", place, k, i))
		}
	}
	for i, v := range c.list(o, "enum", place) { // required is a boolean here and there, and harmless
		switch v.(type) {
		case spec.Object, []any:
			c.fail(fmt.Sprintf("%s/enum/%d", place, i), "is no text or number")
		}
	}
}

func (c *shapeCheck) fail(place, what string) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: %s", place, what)
	}
}

// mapping returns v as a mapping, or an empty one.
func (c *shapeCheck) mapping(v any, place string) spec.Object {
	o, ok := v.(spec.Object)
	if !ok {
		c.fail(place, "is no mapping")
		return spec.Object{}
	}
	return o
}

// at returns the mapping at a key, or an empty one if there is none.
func (c *shapeCheck) at(o spec.Object, key, place string) spec.Object {
	if v, has := o[key]; has {
		return c.mapping(v, place+"/"+key)
	}
	return spec.Object{}
}

// each ranges over the mapping at a key, in order.
func (c *shapeCheck) each(o spec.Object, key, place string) func(func(string, any) bool) {
	values := c.at(o, key, place)
	return func(yield func(string, any) bool) {
		for _, k := range spec.Keys(values) {
			if !yield(k, values[k]) {
				return
			}
		}
	}
}

// list returns the list at a key, if there is one.
func (c *shapeCheck) list(o spec.Object, key, place string) []any {
	v, has := o[key]
	if !has {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		c.fail(place+"/"+key, "is no list")
	}
	return list
}

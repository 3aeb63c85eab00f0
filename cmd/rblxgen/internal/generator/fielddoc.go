package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"
)

// fieldDoc returns the comment of a field: the overlay's sentence, or one of the
// words of the name and the kind of value, and what else the description knows.
// The place is where its name on the wire stands: in a query, in a header, or on
// the wire.
func (f *family) fieldDoc(fl field, o spec.Object, place string) string {
	schema := o
	if s := spec.At(o, "schema"); s != nil { // a parameter
		schema = s
	}
	limits := bounds(schema)
	doc := fl.Name + " " + spec.Text(o, "description")
	switch {
	case spec.Text(o, "description") == "":
		doc = fl.Name + " " + f.means(fl, schema)
		if limits != "" {
			doc += ", " + limits
		}
		if fl.Name != GoName(plainHeader(fl.Wire)) {
			doc += ", " + fl.Wire + " " + place
		}
		doc += "."
	case limits != "":
		doc += " Limits: " + limits + "."
	}
	doc += fieldFacts(fl, o)
	if spec.Flag(o, "deprecated") {
		doc += "\n\n" + deprecation(o)
	}
	return doc
}

// fieldFacts says who sets a field, and when it is sent.
func fieldFacts(fl field, o spec.Object) string {
	doc := ""
	switch {
	case spec.Flag(o, "readOnly"):
		doc += " Roblox sets it."
	case fl.Must:
		doc += " A request must have it."
	case strings.HasPrefix(fl.Type, "*"):
		doc += " It is not sent if it is nil."
	}
	if spec.Flag(o, "x-immutable") {
		doc += " It never changes."
	}
	if spec.Flag(o, "writeOnly") {
		doc += " Roblox does not return it."
	}
	return doc
}

// means says what a value of the field is: is the asset's id.
func (f *family) means(fl field, schema spec.Object) string {
	ws := spoken(fl.Wire)
	goType, noun := strings.TrimPrefix(fl.Type, "*"), strings.Join(ws, " ")
	inner, isList := strings.CutPrefix(goType, "[]")
	value, isMap := strings.CutPrefix(goType, "map[string]")
	switch {
	case goType == "bool":
		return whether(ws)
	case isList && goType != "[]byte":
		return "lists " + strings.Replace(subject(ws), "the value ", "the values ", 1) + each(f.kind(inner, spec.At(schema, "items")))
	case isMap:
		return "holds the " + noun + " by key" + each(f.kind(value, spec.At(schema, "additionalProperties")))
	}
	if past := len(ws) == 1 && strings.HasSuffix(ws[0], "ed"); past && goType == "time.Time" {
		noun = "when it was " + ws[0]
	} else if noun = subject(ws); goType == "opencloud.File" {
		noun = "the file to send"
	}
	kind := f.kind(goType, schema)
	switch {
	case strings.HasSuffix(kind, "["+goType+"]"): // its name says no more
		return "is " + kind
	case kind != "":
		return "is " + noun + ", " + kind
	}
	return "is " + noun
}

// each is the part of a sentence about the elements of many.
func each(kind string) string {
	if kind == "" {
		return ""
	}
	return ", each " + kind
}

// spoken splits a name of the wire into words as they stand in a sentence.
func spoken(wire string) []string {
	ws := words(plainHeader(wire))
	for i, w := range ws {
		if known, is := initialisms()[strings.ToLower(w)]; is && !strings.HasPrefix(known, "ID") {
			ws[i] = known
		} else {
			ws[i] = strings.ToLower(w)
		}
	}
	return ws
}

// subject puts the words into a phrase: the asset's id, the amount in millionths.
func subject(ws []string) string {
	last, rest := ws[len(ws)-1], strings.Join(ws[:len(ws)-1], " ")
	switch {
	case rest == "" && (last == "before" || last == "after"):
		return "the value " + last
	case rest == "":
		return "the " + last
	}
	switch last {
	case "id", "URI", "URL":
		return "the " + rest + "'s " + last
	case "seconds", "minutes", "hours", "days", "bytes", "cents", "robux":
		return "the " + strings.TrimSuffix(rest, " in") + " in " + last
	case "ms", "millis", "milliseconds":
		return "the " + rest + " in milliseconds"
	case "micros":
		return "the " + rest + " in millionths"
	}
	return "the " + rest + " " + last
}

// whether puts the words of a flag into a phrase: says whether VR is enabled.
func whether(ws []string) string {
	const says = "says whether "
	first, last, all := ws[0], ws[len(ws)-1], strings.Join(ws, " ")
	from := func(i, j int) string { return strings.Join(ws[i:j], " ") }
	state := slices.ContainsFunc([]string{"ed", "able", "ible"}, func(end string) bool { return strings.HasSuffix(last, end) })
	switch {
	case len(ws) > 2 && first == "is" && slices.Contains([]string{"enabled", "allowed", "required"}, last):
		return says + from(1, len(ws)-1) + " is " + last
	case len(ws) > 1 && slices.Contains([]string{"is", "has", "can", "was", "will", "should"}, first):
		return says + "it " + all
	case len(ws) > 2 && first == "are":
		return says + from(1, len(ws)-1) + " are " + last
	case slices.Contains([]string{
		"accept", "add", "advertise", "allow", "ban", "bypass", "change", "create", "delete", "do", "edit", "enable", "exclude", "exile",
		"grant", "hide", "include", "invite", "kick", "lock", "manage", "pin", "post", "read", "remove", "return", "show", "skip",
		"spend", "update", "use", "view", "write",
	}, first):
		return says + "to " + all
	case len(ws) > 1 && state:
		is := " is "
		if strings.HasSuffix(ws[len(ws)-2], "s") {
			is = " are "
		}
		return says + from(0, len(ws)-1) + is + last
	case len(ws) == 1:
		return says + "it is " + all
	}
	return "is a flag: " + all + " or not"
}

// kind says what a value of the Go type is, "" where that says nothing new.
func (f *family) kind(goType string, schema spec.Object) string {
	switch goType {
	case "string":
		return map[string]string{"uuid": "a UUID", "email": "an email address", "date": "as YYYY-MM-DD"}[spec.Text(schema, "format")]
	case "int", "int64", "opencloud.Int64", "float64":
		return ""
	case "[]byte":
		return "in Base64 on the wire"
	case "any", "json.RawMessage":
		return "any JSON"
	case "time.Time":
		return "in RFC 3339 on the wire"
	case "opencloud.Duration":
		return "in seconds such as 3s on the wire"
	case "opencloud.Money":
		return "an amount in a currency"
	case "opencloud.Decimal":
		return "an exact decimal number"
	}
	if strings.ContainsAny(goType, "[].") {
		return ""
	}
	if len(spec.List(spec.At(f.schemas(), goType), "enum")) > 0 {
		return "one of the values of [" + goType + "]"
	}
	return "of type [" + goType + "]"
}

// noBound is the number from which a documented maximum means that there is
// none: that of 32 bits.
const noBound = 1<<31 - 1

// bounds says what limits the description sets to a value, "" if none.
func bounds(schema spec.Object) string {
	var out []string
	limit := func(key, form string) {
		switch n := schema[key].(type) {
		case int:
			if n < noBound {
				out = append(out, fmt.Sprintf(form, n))
			}
		case float64:
			if n < noBound {
				out = append(out, fmt.Sprintf(form, n))
			}
		}
	}
	limit("minimum", "%v or more")
	limit("maximum", "%v or less")
	limit("minLength", "%v characters or more")
	limit("maxLength", "%v characters or less")
	limit("minItems", "%v elements or more")
	limit("maxItems", "%v elements or less")
	return strings.Join(out, " and ")
}

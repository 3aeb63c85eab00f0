package importer

import "github.com/rblx-go/opencloud/cmd/rblxgen/internal/spec"

// pass is one named correction of the document. Its function returns how many
// places it corrected: a pass that finds none has become redundant, and the
// import says so.
type pass struct {
	name  string
	until string // which change of Roblox's document makes it redundant; "" if it is ours to do for good
	apply func(doc spec.Object) int
}

// passes are applied in this order.
func passes() []pass {
	return []pass{
		// What a description needs, whatever the source looks like.
		{"OpenAPI 3.1 in the words of 3.0", "", downgrade},
		{"what is shared is written where it is used", "", inlineShared},
		{"a browser's cookie is nothing to ask anybody for", "", keepAccepted},
		{"errors have one type for all operations", "", dropErrors},
		{"scopes, limits and alternatives without their prose", "", facts},
		{"the path of a resource is the server's", "", resourcePath},
		// What is odd about the source.
		{"path suffixes are a way around duplicate keys", "paths stay apart without #", stripPathSuffix},
		{"path parameters are declared as the path spells them", "declared and used path parameters agree", declarePathParameters},
		{"ids in queries are text, as in paths", "ids have one type everywhere", textIDs},
		{"credentials and HTTP's own headers are no parameters", "Accept, Accept-Encoding and Roblox-Api-Key are not listed as parameters", dropHeaders},
		{"one JSON content type speaks for all", "a body has one JSON content type", foldJSON},
		{"publishing a place has a body and a JSON answer", "POST /universes/v1/.../versions declares a requestBody", publishBody},
		{"the value of an entry is any JSON", "/datastores/v1 describes the value of an entry by an empty schema", entryValue},
		{"a list of versions is a list", "GET .../entry/versions answers versions and nextPageCursor", versionList},
		{"allOf around one schema is that schema", "nullable and description stand beside $ref (OpenAPI 3.1)", unwrapAllOf},
		{"allOf beside properties is inheritance", "the toolbox's assets list their parent's properties", flattenAllOf},
		{"additionalProperties say nothing where they are false or null", "they stand only where a map is meant", dropAdditional},
		{"null and absent are the same", "nullable stands only where null means something", dropNullable},
		{"formats that are none", "enum, field-mask and date-span are not used as formats", dropFormats},
		{"binary is for files", "format binary stands in multipart bodies only", dropBinary},
		{"GoogleProtobufValue is any JSON", "google.protobuf.Value is written as an empty schema", anyValue},
		{"integer enums have names", "every integer enum has x-enum-varnames", nameIntegers},
		{"a reference stands alone", "$ref has no siblings (OpenAPI 3.1 allows them)", refAlone},
		{"prose", "", dropProse},
	}
}

// applyPasses applies all passes. The names that it returns are of those that
// are there for an oddity of the source and no longer found it.
func applyPasses(doc spec.Object) (redundant []string) {
	for _, p := range passes() {
		if n := p.apply(doc); n == 0 && p.until != "" {
			redundant = append(redundant, p.name)
		}
	}
	return redundant
}

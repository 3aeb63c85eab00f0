package api_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// unlike are the samples that our requests are unlike, by verb, path and aspect,
// with the reason.
var unlike = map[string]string{
	"POST /assets/v1/assets/{assetId}/versions:rollback body":                                     "the document says a form where the sample sends JSON",
	"POST /assets/v1/assets/{assetId}/versions:rollback header Content-Type":                      "the document says a form where the sample sends JSON",
	"POST /assets/v1/assets/{assetId}:archive verb":                                               "curl without data and --request sends GET",
	"POST /assets/v1/assets/{assetId}:restore verb":                                               "curl without data and --request sends GET",
	"POST /assets/v1/assets/{assetId}:archive header Content-Type":                                "a type of content where there is none",
	"POST /assets/v1/assets/{assetId}:restore header Content-Type":                                "a type of content where there is none",
	"POST /assets/v1/assets part request.creationContext.creator.userId":                          "a number of 64 bits is read from a text too",
	"PATCH /assets/v1/assets/{assetId} part request.assetId":                                      "a number of 64 bits is read from a text too",
	"PATCH /assets/v1/assets/{assetId} query updateMask":                                          "the sample sends two fields more than its mask has change",
	"POST /datastores/v1/universes/{universeId}/standard-datastores/datastore/entries/entry body": "a text without its quotation marks is no JSON",
}

// ownUnlike are those among our own samples, which make these mistakes to see
// them found.
var ownUnlike = map[string]string{
	"GET /cloud/v2/users/{user_id} path":                                  "a wrong path",
	"POST /assets/v1/assets part request.creationContext.creator.groupId": "a text where we send a number",
	"POST /assets/v1/assets/{assetId}/versions:rollback body":             "JSON where we send a form",
}

// published is what a document says of an operation that these tests read.
type published struct {
	Security []map[string]any `json:"security"`
	Cloud    []codeText       `json:"x-roblox-cloud-api-operation-code-samples"`
	Other    []codeText       `json:"x-roblox-code-samples"`
}

// codeText is a sample in the document.
type codeText struct {
	Script string `json:"script"`
}

// outcome is what came of holding our requests against a document's samples.
type outcome struct {
	operations, samples int
	alike               int      // samples that we send just so
	differences         []string // "VERB /path aspect: what is different"
}

// compareSamples sends by our methods what the document's samples send.
func compareSamples(t *testing.T, document []byte) outcome {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	ours := newCaller(t)
	var out outcome
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for verb, raw := range doc.Paths[path] {
			var op published
			if json.Unmarshal(raw, &op) != nil {
				continue // no operation, but parameters of all
			}
			takesUs := slices.ContainsFunc(op.Security, func(s map[string]any) bool { return s["roblox-api-key"] != nil || s["roblox-oauth2"] != nil })
			samples := slices.Concat(op.Cloud, op.Other)
			if !takesUs || len(samples) == 0 {
				continue
			}
			out.operations++
			for _, text := range samples {
				out.samples++
				key := strings.ToUpper(verb) + " " + path
				found := ours.compare(t, key, text.Script)
				if found == nil {
					out.alike++
				}
				for _, d := range found {
					out.differences = append(out.differences, key+" "+d)
				}
			}
		}
	}
	slices.Sort(out.differences)
	out.differences = slices.Compact(out.differences)
	return out
}

// unexplained are the differences without an exception, and the exceptions
// without a difference.
func (o outcome) unexplained(exceptions map[string]string) []string {
	var out []string
	unused := maps.Clone(exceptions)
	for _, d := range o.differences {
		aspect, _, _ := strings.Cut(d, ": ")
		if delete(unused, aspect); exceptions[aspect] == "" {
			out = append(out, d)
		}
	}
	for aspect := range unused {
		out = append(out, aspect+" is alike and needs no exception")
	}
	return out
}

// What samples send our methods send: verb, path, query, headers and body, by
// value. Samples of our own are always compared, Roblox's where
// RBLX_TEST_DOCUMENT names its document, which is not ours to publish.
func TestRequestsAreLikeTheSamples(t *testing.T) {
	t.Parallel()
	check := func(name string, exceptions map[string]string, operations, samples, alike int) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		o := compareSamples(t, text)
		t.Logf("%s: of %d samples of %d operations %d are alike, the others but for %d differences", name, o.samples, o.operations, o.alike, len(o.differences))
		for _, problem := range o.unexplained(exceptions) {
			t.Errorf("%s: %s", name, problem)
		}
		if o.operations < operations || o.samples < samples || o.alike < alike {
			t.Errorf("%s: too few", name)
		}
	}
	check("testdata/samples.json", ownUnlike, 11, 12, 9)
	if name := os.Getenv("RBLX_TEST_DOCUMENT"); name != "" {
		check(name, unlike, 20, 20, 15)
	} else {
		t.Log("Roblox's own samples were not compared: RBLX_TEST_DOCUMENT names no document")
	}
}

// Whatever is changed in a sample is found, or the comparison above would say
// little.
func TestComparisonFindsWhatIsUnlike(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/samples.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ old, changed, want string }{
		{"--request PATCH 'https://apis.roblox.com/cloud", "--request PUT 'https://apis.roblox.com/cloud", "verb: the sample sends PUT, we send PATCH"},
		{"versions?versionType", "version?versionType", "path: the sample sends /universes/v1/7/places/7/version, we send /universes/v1/7/places/7/versions"},
		{"scopes/global/entries", "scopes/global/keys", "path: the sample sends /cloud/v2/universes/7/data-stores/7/scopes/global/keys/7, we send /cloud/v2/universes/7/data-stores/7/scopes/global/entries/7"},
		{`-d \"limit=20\"`, `-d \"max=20\"`, "query max: the sample sends 20, we send nothing"},
		{"&entryKey=cat_1", "&entryKey=cat_1&dryRun=true", "query dryRun: the sample sends true, we send nothing"},
		{`--header \"roblox-entry-userids: [7]\"`, `--header \"roblox-entry-user: 7\"`, "header Roblox-Entry-User: the sample sends 7, we send nothing"},
		{"'Content-Type: application/xml'", "'Content-Type: application/xml' --header 'accept-language: de'", "header Accept-Language: the sample sends de, we send nothing"},
		{`'Content-Type: application/json' \\\n--data-raw`, `'Content-Type: text/plain' \\\n--data-raw`, "header Content-Type: the sample sends text/plain, we send application/json"},
		{`\"topic\"`, `\"subject\"`, "body.subject: only the sample sends it"},
		{`\"users\": [`, `\"users\": [7, `, "body.users.0: the sample sends 7 (json.Number), we send  (string)"},
		{`\"value\": <long>`, `\"value\": 1.5`, "body.value: the sample sends 1.5 (json.Number), we send 0 (json.Number)"},
		{`--data '{\n    \"value\": <long>\n}'`, `--data 'value=7'`, "body: the sample's is no JSON: invalid character 'v' looking for beginning of value"},
		{`--form 'paymentSourceType=1'`, `--form 'paymentSource=1'`, "part paymentSource: only the sample sends it"},
		{`--form 'isActive=true'`, `--form 'isActive=yes'`, "part isActive: only the sample sends it"},
		{`fileContent=@\"/pictures/door.png\"`, `fileContent=door`, "part fileContent: the sample names the file \"\", we \"file\""},
		{`\\\"description\\\": \\\"Made`, `\\\"about\\\": \\\"Made`, "part request.about: only the sample sends it"},
		{"?updateMask=guildedSocialLink", "?updateMask=discordSocialLink", "query updateMask: the sample sends discordSocialLink, we send guildedSocialLink"},
		{"curl --location 'https://apis.roblox.com/legacy", "curl --compressed --location 'https://apis.roblox.com/legacy", "sample: cannot be read: the option --compressed is not known"},
		{`"/cloud/v2/users/{user_id}"`, `"/cloud/v2/people/{user_id}"`, "method: there is none"},
	} {
		if strings.Count(string(text), row.old) != 1 {
			t.Errorf("%q is not there, or more than once", row.old)
		}
		found := compareSamples(t, []byte(strings.Replace(string(text), row.old, row.changed, 1))).unexplained(ownUnlike)
		if !slices.ContainsFunc(found, func(d string) bool { return strings.HasSuffix(d, " "+row.want) }) {
			t.Errorf("%q: found %q, not %q", row.changed, found, row.want)
		}
	}
	if got := (outcome{}).unexplained(ownUnlike); len(got) != len(ownUnlike) {
		t.Errorf("exceptions without a difference: %q", got)
	}
}

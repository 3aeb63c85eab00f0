package importer

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblxgen/internal/generator"
)

// BenchmarkImportAndGenerate imports a document of the size of the committed
// description over it and generates everything, which may take 10 s.
func BenchmarkImportAndGenerate(b *testing.B) {
	root := filepath.Join("..", "..", "..", "..")
	source, err := json.Marshal(description(b, root))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := Import(root, source, Options{Date: "2026-08-11"})
		if err != nil {
			b.Fatal(err)
		}
		if n := r.Census.Operations.Generated; n < 252 {
			b.Fatalf("%d operations", n)
		}
		if _, err := generator.Generate(root); err != nil {
			b.Fatal(err)
		}
	}
}

package emulatortest_test

import (
	"io"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api"
	"github.com/rblx-go/opencloud/api/assets"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
)

// A pipeline uploads a picture and a place, as its test would have it.
func TestUploads(t *testing.T) {
	t.Parallel()
	emu := emulatortest.Start(t)
	rbx, err := opencloud.New(emu.Options())
	if err != nil {
		t.Fatal(err)
	}
	c := api.New(rbx)
	user := int64(156)
	op, err := c.Assets.CreateAsset(t.Context(), assets.CreateAssetRequest{
		Request: assets.AssetCreate{
			AssetType: "Image", DisplayName: "Lantern", Description: "It glows.",
			CreationContext: assets.CreationContextCreate{Creator: assets.CreatorCreate{UserID: &user}},
		},
		FileContent: opencloud.File{Name: "lantern.png", Content: strings.NewReader("a picture")},
	})
	if err != nil {
		t.Fatal(err)
	}
	asset, err := op.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := asset.AssetID.String()
	name := "Lamp"
	op, err = c.Assets.UpdateAsset(t.Context(), id, assets.UpdateAssetRequest{
		Request:     assets.AssetUpdate{DisplayName: &name},
		FileContent: opencloud.File{Name: "lamp.png", Content: strings.NewReader("another")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if asset, err = op.Wait(t.Context()); err != nil || asset.DisplayName != "Lamp" || asset.RevisionID != "2" {
		t.Fatalf("%+v, %v", asset, err)
	}
	if _, err := c.Assets.RollbackAsset(t.Context(), id, assets.RollbackAssetRequest{AssetVersion: asset.Path + "/versions/1"}); err != nil {
		t.Fatal(err)
	}
	at, err := c.Assets.GetAssetLocation(t.Context(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := opencloud.Fetch(t.Context(), rbx, at.Location)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if content, err := io.ReadAll(file); err != nil || string(content) != "a picture" {
		t.Errorf("%q, %v", content, err)
	}
	if all := emu.Assets(); len(all) != 1 || all[0].DisplayName != "Lamp" || len(all[0].Versions) != 3 || all[0].Versions[0].ContentType != "image/png" {
		t.Errorf("%+v", all)
	}

	version, err := c.Places.CreateVersion(t.Context(), "8801", "88011", "Published", opencloud.File{Name: "harbor.rbxl", Content: strings.NewReader("a place")})
	if err != nil || version.VersionNumber != 1 {
		t.Fatalf("%+v, %v", version, err)
	}
	if place, _ := emu.Place("88011"); len(place.Versions) != 1 || string(place.Versions[0].Content) != "a place" || !place.Versions[0].Published {
		t.Errorf("%+v", place)
	}
}

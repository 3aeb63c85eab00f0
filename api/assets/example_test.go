package assets_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api/assets"
)

func ExampleClient_CreateAsset() {
	rbx, err := opencloud.New(opencloud.Options{APIKey: os.Getenv("ROBLOX_API_KEY")})
	if err != nil {
		log.Fatal(err)
	}
	asset, err := upload(context.Background(), assets.New(rbx), "lantern.png", 156)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(asset.AssetID)
}

// upload makes an image of a user's. The call returns when the file is at
// Roblox; Wait, when it has become an asset.
func upload(ctx context.Context, c *assets.Client, path string, user int64) (*assets.Asset, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	op, err := c.CreateAsset(ctx, assets.CreateAssetRequest{
		Request: assets.AssetCreate{
			AssetType: "Image", DisplayName: "Lantern", Description: "It glows.",
			CreationContext: assets.CreationContextCreate{Creator: assets.CreatorCreate{UserID: &user}},
		},
		FileContent: opencloud.File{Name: filepath.Base(path), Content: file, Progress: func(sent int64) {
			fmt.Printf("%d of %d bytes\n", sent, info.Size())
		}},
	})
	if err != nil {
		return nil, err
	}
	return op.Wait(ctx) // op.Name is enough to ask again later: see ResumeCreateAsset
}

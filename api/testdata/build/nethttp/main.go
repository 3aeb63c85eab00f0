// Command nethttp is built by BenchmarkColdBuild.
package main

import "net/http"

func main() { _, _ = http.Get("https://apis.roblox.com") }

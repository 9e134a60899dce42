// Package dialects gathers every dialect that ships: the one list that a new
// dialect is added to.
package dialects

import (
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/anthropic"
	"github.com/regent-proxy/regent/pkg/dialect/bedrock"
	"github.com/regent-proxy/regent/pkg/dialect/cohere"
	"github.com/regent-proxy/regent/pkg/dialect/gemini"
	"github.com/regent-proxy/regent/pkg/dialect/mcp"
	"github.com/regent-proxy/regent/pkg/dialect/ollama"
	"github.com/regent-proxy/regent/pkg/dialect/openai"
)

// Registry is a registry of all dialects, with an operator's overrides before
// them.
func Registry(overrides []dialect.Override) (*dialect.Registry, error) {
	return dialect.NewRegistry(overrides, openai.Claims(), anthropic.Claims(), bedrock.Claims(), gemini.Claims(), cohere.Claims(), ollama.Claims(), mcp.Claims())
}

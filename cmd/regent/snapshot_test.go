package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/regent-proxy/regent/pkg/config"
	"github.com/regent-proxy/regent/pkg/genai"
)

func TestCatalogFromURL(t *testing.T) {
	table := `{"providers":[{"id":"ours","name":"openai","models":[{"id":"house-model","input":2,"output":4}]}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/models.json" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(table))
	}))
	defer server.Close()
	c, err := loadCatalog(config.Catalog{URL: server.URL + "/models.json"})
	if err != nil {
		t.Fatal(err)
	}
	if usd, known := c.Lookup("openai", "house-model").Cost(genai.Usage{InputTokens: 1e6}); !known || usd != 2 {
		t.Errorf("costs %v, %t", usd, known)
	}
	for _, url := range []string{server.URL + "/missing", "http://127.0.0.1:1/"} {
		if _, err := loadCatalog(config.Catalog{URL: url}); err == nil {
			t.Errorf("%s was taken", url)
		}
	}
}

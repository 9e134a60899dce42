package config

import "net/url"

// remote checks the remote detector, where there is one.
func (r *rules) remote(d *Remote) {
	if d.URL == "" {
		return
	}
	if u, err := url.Parse(d.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		r.add("detect.remote.url", "write http://127.0.0.1:3000/analyze", "is no http or https URL: %q", d.URL)
	}
	if len(d.Entities) == 0 {
		r.add("detect.remote.entities", "write {PERSON: PERSON}", "nothing is asked for")
	}
	if !(d.MinScore >= 0 && d.MinScore <= 1) {
		r.add("detect.remote.min_score", "", "want 0 to 1, got %v", d.MinScore)
	}
	r.size("detect.remote.max_text", d.MaxText, 1, 16<<20)
	r.count("detect.remote.max_texts", d.MaxTexts, 10_000)
	r.count("detect.remote.concurrency", d.Concurrency, 10_000)
	r.count("detect.remote.cache", d.Cache, 1_000_000)
	for name := range d.Headers {
		r.headerName("detect.remote.headers."+name, name)
	}
}

package config

import "time"

// Default is the configuration of an empty file.
func Default() *Config {
	export := Export{Exporter: "auto", Timeout: 10 * time.Second}
	return &Config{
		Listen:  Listen{Address: "unix:/run/regent/regent.sock", SocketMode: 0o660},
		Drain:   Drain{Delay: 5 * time.Second, Timeout: 30 * time.Second, Flush: 5 * time.Second},
		Admin:   Admin{Listen: "127.0.0.1:9902"},
		Console: Console{Enabled: true, Calls: 2000, Kinds: 200},
		Log:     Log{Level: "info", Format: "json"},
		Policy:  Policy{Default: true, Timeout: 50 * time.Millisecond, OnError: "closed", OnUnreadable: "closed", Watch: true, Bundles: defaultBundles(), Rollout: defaultRollout()},
		Limits: Limits{
			MaxRequestBody:  32 << 20,
			MaxResponseBody: 32 << 20,
			MaxCalls:        10_000,
			MaxHold:         64 << 10,
			MaxEvent:        4 << 20,
		},
		Identity: Identity{
			JWTMetadata: "envoy.filters.http.jwt_authn",
			JWTPayload:  "payload",
			Subject:     Source{Claim: "sub"},
			Scopes:      Source{Claim: "scope"},
		},
		Usage: Usage{AskStreamUsage: true},
		Detect: Detect{Enabled: true, Injection: true, Remote: Remote{
			Language: "en", Entities: map[string]string{"PERSON": "PERSON", "LOCATION": "LOCATION", "NRP": "NRP"}, MinScore: 0.5, Timeout: 500 * time.Millisecond,
			MaxText: 32 << 10, MaxTexts: 64, Concurrency: 16, Cache: 10_000, OnError: "open", Retry: 5 * time.Second,
		}},
		Review: Review{MaxPending: 1000, Wait: 24 * time.Hour, Use: time.Hour, Keep: 7 * 24 * time.Hour, Content: "none"},
		Telemetry: Telemetry{
			Traces: Traces{
				Export:      export,
				Queue:       2048,
				Batch:       512,
				Interval:    time.Second,
				Ratio:       1,
				Keep:        []string{"denied", "redacted", "failed"},
				Propagators: []string{"tracecontext"},
				Spans:       "full",
				Children:    "attempts",
				Vocabulary:  []string{"genai"},
			},
			Metrics:       Metrics{Export: export, Interval: time.Minute, Prometheus: true},
			Content:       "none",
			ContentStore:  ContentStore{MaxSize: 1 << 30},
			MaxModels:     100,
			MaxIdentities: 100,
		},
		Routing: Routing{Header: "x-regent-cluster"},
		Runtime: Runtime{GOGC: 400},
	}
}

func defaultBundles() Bundles {
	return Bundles{
		StartTimeout: 10 * time.Second,
		MaskHeaders:  []string{"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key", "x-amz-security-token"},
	}
}

func defaultRollout() Rollout {
	return Rollout{
		Mode: "direct", Share: 0.05, Key: "subject", MinCalls: 50, Window: time.Hour,
		MaxErrorRateIncrease: 0.02, MaxDenialRateIncrease: 0.1, MaxLatencyRatio: 3,
	}
}

package bundle

import "github.com/open-policy-agent/opa/v1/plugins/logs"

type decisions struct{}

func newDecisions(*Manager, *logs.Plugin) *decisions { return &decisions{} }

func (*decisions) close() {}

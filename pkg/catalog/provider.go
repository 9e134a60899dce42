package catalog

import "strings"

// providers are the hosts of the known providers, by suffix: the first that
// fits names gen_ai.provider.name. Values are the conventions' where they have
// one.
var providers = []struct{ host, name string }{
	{"api.openai.com", "openai"},
	{".openai.azure.com", "azure.ai.openai"},
	{".cognitiveservices.azure.com", "azure.ai.openai"},
	{".services.ai.azure.com", "azure.ai.inference"},
	{".models.ai.azure.com", "azure.ai.inference"},
	{"models.inference.ai.azure.com", "azure.ai.inference"},
	{"api.anthropic.com", "anthropic"},
	{"generativelanguage.googleapis.com", "gcp.gemini"},
	{"aiplatform.googleapis.com", "gcp.vertex_ai"},
	{"api.cohere.com", "cohere"},
	{"api.cohere.ai", "cohere"},
	{"api.mistral.ai", "mistral_ai"},
	{"api.groq.com", "groq"},
	{"api.deepseek.com", "deepseek"},
	{"api.perplexity.ai", "perplexity"},
	{"api.x.ai", "x_ai"},
	{"api.moonshot.ai", "moonshot_ai"},
	{".ml.cloud.ibm.com", "ibm.watsonx.ai"},
	{"openrouter.ai", "openrouter"},
	{"api.together.xyz", "together_ai"},
	{"api.together.ai", "together_ai"},
	{"api.cerebras.ai", "cerebras"},
	{"api.fireworks.ai", "fireworks_ai"},
	{"router.huggingface.co", "hugging_face"},
	{"api-inference.huggingface.co", "hugging_face"},
	{".snowflakecomputing.com", "snowflake"},
	{".databricks.com", "databricks"},
	{".azuredatabricks.net", "databricks"},
	{"api.writer.com", "writer"},
	{"api.voyageai.com", "voyage_ai"},
	{"api.z.ai", "z_ai"},
}

// byDialect names the provider of a host nobody knows by the format it speaks:
// the telemetry flavour, as the conventions put it.
var byDialect = map[string]string{
	"openai": "openai", "anthropic": "anthropic", "gemini": "gcp.gen_ai", "bedrock": "aws.bedrock",
	"cohere": "cohere", "mistral": "mistral_ai", "ollama": "ollama", "mcp": "mcp",
}

// Provider is gen_ai.provider.name of the service at host (without a port); for
// an unknown host, the provider whose format the call speaks.
func (c *Catalog) Provider(host, dialect string) string {
	host = strings.ToLower(host)
	if strings.HasPrefix(host, "bedrock-") && strings.Contains(host, ".amazonaws.com") {
		return "aws.bedrock"
	}
	for _, p := range providers {
		if host == strings.TrimPrefix(p.host, ".") || strings.HasSuffix(host, "."+strings.TrimPrefix(p.host, ".")) {
			return p.name
		}
	}
	if strings.HasSuffix(host, "-aiplatform.googleapis.com") { // us-central1-aiplatform…
		return "gcp.vertex_ai"
	}
	if name := byDialect[dialect]; name != "" {
		return name
	}
	return dialect
}

package secret

import "fmt"

// kind is a token format of our own table: RE2 syntax, the first group being
// the value.
type kind struct {
	entity  string
	regex   string
	entropy float64
}

// tail says that a token ends here: no further character of its kind follows.
const tail = `(?:[^\w-]|$)`

// kinds are the formats that gitleaks' set lacks or has more narrowly than
// their providers now issue them. Each comes from the provider's documents, the
// prefix it registered for secret scanning, or is what at least one of
// TruffleHog's, Kingfisher's, Nosey Parker's and Betterleaks' rules also says of
// it.
var kinds = []kind{
	// Models.
	{"ANTHROPIC_API_KEY", `\b(sk-ant-(?:oat|ort|sid|api)\d{2,4}-[\w-]{60,140})` + tail, 3.5},
	{"OPENAI_API_KEY", `\b(sk-(?:proj|svcacct|admin|None)-[\w-]{40,220})` + tail, 3.5},
	{"OPENAI_API_KEY", `\b(sk-[A-Za-z0-9]{48})` + tail, 3.5},
	{"DEEPSEEK_API_KEY", `\b(sk-[0-9a-f]{32})` + tail, 3},
	{"OPENROUTER_API_KEY", `\b(sk-or-v1-[0-9a-f]{64})` + tail, 3},
	{"LANGFUSE_SECRET_KEY", `\b(sk-lf-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})` + tail, 3},
	{"LANGSMITH_API_KEY", `\b(lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10})` + tail, 3},
	{"GROQ_API_KEY", `\b(gsk_[A-Za-z0-9]{48,60})` + tail, 3.5},
	{"XAI_API_KEY", `\b(xai-[A-Za-z0-9]{70,90})` + tail, 3.5},
	{"PERPLEXITY_API_KEY", `\b(pplx-[A-Za-z0-9]{48,56})` + tail, 3.5},
	{"REPLICATE_API_TOKEN", `\b(r8_[A-Za-z0-9]{37,40})` + tail, 3.5},
	{"FIREWORKS_API_KEY", `\b(fw_[A-Za-z0-9]{22,24})` + tail, 3.5},
	{"TOGETHER_API_KEY", `\b(tgp_v1_[\w-]{40,48})` + tail, 3.5},
	{"CEREBRAS_API_KEY", `\b(csk-[a-z0-9]{48})` + tail, 3.5},
	{"NVIDIA_API_KEY", `\b(nvapi-[\w-]{60,72})` + tail, 3.5},
	{"HUGGINGFACE_ACCESS_TOKEN", `\b(hf_[A-Za-z0-9]{34,40})` + tail, 3.5},
	{"TAVILY_API_KEY", `\b(tvly-(?:dev-|prod-)?[A-Za-z0-9]{28,40})` + tail, 3.5},
	{"PINECONE_API_KEY", `\b(pcsk_[A-Za-z0-9_]{60,80})` + tail, 3.5},
	{"JINA_API_KEY", `\b(jina_[0-9a-f]{32}[\w-]{20,32})` + tail, 3.5},
	{"VOYAGE_API_KEY", `\b(pa-[\w-]{43})` + tail, 4.2},
	{"ELEVENLABS_API_KEY", `\b(sk_[0-9a-f]{48})` + tail, 3},
	{"WANDB_API_KEY", `\b(wandb_v1_[A-Za-z0-9_]{70,90})` + tail, 3.5},
	{"HELICONE_API_KEY", `\b(sk-helicone-[a-z0-9]{7}-[a-z0-9]{7}-[a-z0-9]{7}-[a-z0-9]{7})` + tail, 3.2},
	{"FIRECRAWL_API_KEY", `\b(fc-[0-9a-f]{32})` + tail, 3},
	{"E2B_API_KEY", `\b(e2b_[0-9a-f]{40})` + tail, 3},
	{"FAL_KEY", `(?i)\bfal[\w.-]{0,20}['"\s:=]{1,6}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:[0-9a-f]{32})` + tail, 3},
	{"BROWSERBASE_API_KEY", `\b(bb_(?:live|test)_[\w-]{24,36})` + tail, 3.5},
	{"LLAMACLOUD_API_KEY", `\b(llx-[A-Za-z0-9]{40,60})` + tail, 3.5},
	{"APIFY_API_TOKEN", `\b(apify_api_[A-Za-z0-9]{34,40})` + tail, 3.5},
	{"RUNPOD_API_KEY", `\b(rpa_[A-Z0-9]{40,50})` + tail, 3.5},
	{"BEDROCK_API_KEY", `\b((?:bedrock-api-key-|ABSK)[A-Za-z0-9+/]{80,400}={0,2})`, 4},
	{"LOGFIRE_TOKEN", `\b(pylf_v\d_[a-z]{2}_[A-Za-z0-9]{40,50})` + tail, 3.5},
	{"ZHIPU_API_KEY", `(?i)(?:zhipu|bigmodel|chatglm)[\w.-]{0,20}['"\s:=]{1,6}([0-9a-f]{32}\.[A-Za-z0-9]{16})` + tail, 3.8},
	// Source forges and package registries.
	{"GITHUB_TOKEN", `\b(gh[pousr]_[A-Za-z0-9]{36,255})` + tail, 3},
	{"GITHUB_TOKEN", `\b(ghs_\d{1,12}_eyJ[\w-]{20,400}\.eyJ[\w-]{20,800}\.[\w-]{20,800})`, 3},
	{"GITHUB_FINE_GRAINED_PAT", `\b(github_pat_[A-Za-z0-9_]{70,90})` + tail, 3},
	{"BITBUCKET_APP_PASSWORD", `\b(ATBB[A-Za-z0-9]{24,36}[0-9A-F]{8})` + tail, 3.5},
	{"ATLASSIAN_API_TOKEN", `\b(AT[AC]TT3[\w=-]{80,240})` + tail, 3.5},
	{"DOCKER_ACCESS_TOKEN", `\b(dckr_(?:pat|oat)_[\w-]{24,40})` + tail, 3.5},
	{"PYPI_UPLOAD_TOKEN", `\b(pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)[\w-]{40,1000})`, 3},
	{"NUGET_API_KEY", `\b(oy2[a-z0-9]{43})` + tail, 3.5},
	{"CRATES_TOKEN", `\b(cio[A-Za-z0-9]{32})` + tail, 3.9},
	{"JFROG_TOKEN", `\b((?:AKCp[A-Za-z0-9]{69}|cmVmd[A-Za-z0-9]{59}))` + tail, 4},
	{"SOURCEGRAPH_ACCESS_TOKEN", `\b(sgp_(?:(?:[0-9a-fA-F]{16}|local)_)?[0-9a-fA-F]{40})` + tail, 3},
	{"SOURCEGRAPH_ACCESS_TOKEN", `(?i)sourcegraph[\w.-]{0,20}['"\s]{0,3}[=:]['"\s]{0,3}([0-9a-f]{40})` + tail, 3},
	{"PREFECT_API_KEY", `\b(pn[ub]_[A-Za-z0-9]{36})` + tail, 3.5},
	{"SOURCEGRAPH_LICENSE_TOKEN", `\b(slk_[0-9a-f]{64})` + tail, 3},
	{"DEPENDENCY_TRACK_KEY", `\b(odt_[A-Za-z0-9]{32,64})` + tail, 3.8},
	{"WAKATIME_API_KEY", `\b(waka_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})` + tail, 3},
	{"MERGIFY_KEY", `\b(mergify_(?:application_key|ci)_[A-Za-z0-9_-]{40,90})` + tail, 3.5},
	{"OCTOPUS_API_KEY", `[ "'=:\x60(](API-[A-Z0-9]{26,32})` + tail, 3.8},
	{"JENKINS_SECRET", `\{(AQAAABAAAA[A-Za-z0-9+/]{20,400}={0,2})\}`, 3.5},
	// Clouds and platforms.
	{"AWS_ACCESS_KEY", `\b((?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16})` + tail, 3},
	{"AWS_MWS_TOKEN", `\b(amzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})` + tail, 3},
	{"GOOGLE_OAUTH_SECRET", `\b(GOCSPX-[\w-]{28})` + tail, 3.5},
	{"GOOGLE_ACCESS_TOKEN", `\b(ya29\.[\w-]{30,1000})`, 3.5},
	{"GOOGLE_REFRESH_TOKEN", `\b(1//0[\w-]{40,120})` + tail, 3.9},
	{"AZURE_STORAGE_KEY", `(?i)(?:AccountKey|SharedAccessKey|PrimaryKey|SecondaryKey)\\?["']?\s{0,3}[=:]\s{0,3}\\?["']?([A-Za-z0-9+/]{40,90}={1,2})`, 3.5},
	{"AZURE_SAS_SIGNATURE", `(?i)\bsig=([a-z0-9%+/]{40,120}(?:%3d|=){1,2})`, 3.5},
	{"AZURE_API_KEY", `\b([A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{20,30})` + tail, 3.5},
	{"AZURE_DEVOPS_PAT", `\b([A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4})` + tail, 3.5},
	{"ALIBABA_ACCESS_KEY_ID", `\b(LTAI[A-Za-z0-9]{12,22})` + tail, 3.2},
	{"TENCENT_SECRET_ID", `\b(AKID[A-Za-z0-9]{32})` + tail, 3.5},
	{"YANDEX_API_KEY", `\b(AQVN[\w-]{35,38})` + tail, 3.8},
	{"DATABRICKS_API_TOKEN", `\b(dkea[0-9a-f]{32})` + tail, 3},
	{"DATABRICKS_API_TOKEN", `\b(dapi[0-9a-f]{32}(?:-\d)?)` + tail, 3},
	{"DIGITALOCEAN_TOKEN", `\b(do[opr]_v1_[0-9a-f]{64})` + tail, 3},
	{"HEROKU_API_KEY", `\b(HRKU-[\w-]{36,62})` + tail, 3.5},
	{"NETLIFY_ACCESS_TOKEN", `\b(nfp_[A-Za-z0-9]{36})` + tail, 3.5},
	{"RENDER_API_KEY", `\b(rnd_[A-Za-z0-9]{28,36})` + tail, 3.5},
	{"SUPABASE_TOKEN", `\b(sb(?:p_[0-9a-f]{40}|_secret_[\w-]{28,48}))` + tail, 3},
	{"NEON_API_KEY", `\b(napi_[a-z0-9]{60,70})` + tail, 3.5},
	{"PLANETSCALE_TOKEN", `\b(pscale_(?:tkn|pw|oauth)_[\w=.-]{32,64})`, 3.5},
	{"DOPPLER_TOKEN", `\b(dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44})` + tail, 3.5},
	{"VAULT_TOKEN", `\b(hv[sbr]\.[\w-]{24,320})`, 3.5},
	{"VAULT_LEGACY_TOKEN", `[ "'=:](s\.[A-Za-z0-9]{24})` + tail, 3.5},
	{"TERRAFORM_TOKEN", `\b([A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70})` + tail, 3.5},
	{"TAILSCALE_KEY", `\b(tskey-(?:api|auth|client|scim|webhook)-[A-Za-z0-9]{6,20}-[A-Za-z0-9]{20,40})` + tail, 3.5},
	{"SCALEWAY_ACCESS_KEY", `\b(SCW[A-Z0-9]{17})` + tail, 3.2},
	{"VERCEL_TOKEN", `\b(vc[pikar]_[A-Za-z0-9]{24,60})` + tail, 3.5},
	{"DENO_DEPLOY_TOKEN", `\b(dd[pwo]_[A-Za-z0-9]{36})` + tail, 3.5},
	{"NETLIFY_ACCESS_TOKEN", `\b(nf[cou]_[A-Za-z0-9]{36})` + tail, 3.5},
	{"INFISICAL_SERVICE_TOKEN", `[ "'=:\x60(](st\.(?:[0-9a-f]{24}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.[0-9a-f]{32}\.[0-9a-f]{32})` + tail, 3},
	{"NGROK_TOKEN", `(?i)ngrok[\w .-]{0,30}['"\s:=(]{1,6}([12][A-Za-z0-9]{24,29}_\d?[A-Za-z0-9]{20,22})` + tail, 4.2},
	{"DROPBOX_TOKEN", `\b(sl\.(?:u\.|B\.)?[\w-]{120,1000})`, 4},
	{"TRIGGER_DEV_KEY", `\b(tr_(?:dev|prod|stg|preview|pat)_[A-Za-z0-9]{20,40})` + tail, 3.5},
	{"UNKEY_ROOT_KEY", `\b(unkey_[A-Za-z0-9]{20,40})` + tail, 3.5},
	{"COCKROACH_CLOUD_KEY", `\b(CCDB1_[A-Za-z0-9]{22}_[A-Za-z0-9]{40})` + tail, 3.5},
	{"ASTRA_TOKEN", `\b(AstraCS:[A-Za-z0-9:]{30,100})` + tail, 3.5},
	{"MONGODB_ATLAS_SECRET", `\b(mdb_sa_sk_[\w-]{40})` + tail, 3.5},
	{"DOCKER_SWARM_TOKEN", `\b(SWM(?:TKN-1-[a-z0-9]{50,60}-[a-z0-9]{24,30}|KEY-1-[A-Za-z0-9+/]{40,50}))`, 3.5},
	{"WIREGUARD_KEY", `\b(?:PrivateKey|PresharedKey)\s{0,3}=\s{0,3}([A-Za-z0-9+/]{43}=)`, 4},
	{"AZURE_APP_CONFIGURATION_SECRET", `\.azconfig\.io;Id=[^;\s'"]{4,80};Secret=([A-Za-z0-9+/]{36,120}={0,2})`, 3.5},
	{"CLOUDFLARE_ORIGIN_CA_KEY", `\b(v1\.0-[0-9a-f]{24}-[0-9a-f]{146})` + tail, 3},
	{"EXOSCALE_API_KEY", `\b(EXO[0-9a-f]{24})` + tail, 3},
	{"ALIBABA_STS_TOKEN", `\b(STS\.[A-Za-z0-9]{20,64})` + tail, 4},
	{"AIVEN_PASSWORD", `\b(AVNS_[\w-]{19})` + tail, 3.2},
	{"PULUMI_ACCESS_TOKEN", `\b(pul-[0-9a-f]{40})` + tail, 3},
	// Payment.
	{"STRIPE_KEY", `\b((?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{16,160})` + tail, 3},
	{"STRIPE_WEBHOOK_SECRET", `\b(whsec_[A-Za-z0-9+/]{24,64}={0,2})` + tail, 3.5},
	{"BRAINTREE_ACCESS_TOKEN", `\b(access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32})` + tail, 3},
	{"RAZORPAY_KEY", `\b(rzp_(?:live|test)_[A-Za-z0-9]{14,24})` + tail, 3},
	{"ASAAS_API_KEY", `(\$aact_(?:prod|hmlg)_[\w-]{20,200})`, 3.5},
	{"MOLLIE_API_KEY", `\b((?:live|test)_[A-Za-z0-9]{30,45})` + tail, 4},
	{"PAGARME_KEY", `\b(ak_(?:live|test)_[A-Za-z0-9]{30})` + tail, 3.5},
	{"PLAID_ACCESS_TOKEN", `\b(access-(?:production|development|sandbox)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})` + tail, 3},
	{"PADDLE_API_KEY", `\b(pdl_(?:live|sdbx)_apikey_[a-z0-9]{26}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3})` + tail, 3.5},
	{"FLUTTERWAVE_SECRET_KEY", `\b(FLWSECK(?:_TEST)?-[0-9a-f]{32}-X)` + tail, 3},
	{"SQUARE_ACCESS_TOKEN", `\b((?:sq0(?:atp|csp|idp)-[\w-]{22,43}|EAAA[\w-]{60}))` + tail, 3.5},
	// Chat and mail.
	{"SLACK_TOKEN", `\b(xox[abeoprs](?:-\d{6,14}){1,3}-[A-Za-z0-9]{16,64})` + tail, 3.2},
	{"SLACK_TOKEN", `\b(xoxe\.xox[bp]-\d-[A-Za-z0-9]{100,300})` + tail, 3.5},
	{"SLACK_APP_TOKEN", `\b(xapp-\d-[A-Z0-9]{8,16}-\d{8,16}-[a-z0-9]{32,128})` + tail, 3},
	{"SLACK_COOKIE", `\b(xoxd-[\w%+/\\-]{40,400})`, 3.5},
	{"SLACK_WEBHOOK_URL", `(https://hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{30,120})`, 3},
	{"DISCORD_WEBHOOK_URL", `(https://(?:[a-z]{2,8}\.)?discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{16,20}/[\w-]{60,80})`, 3},
	{"TEAMS_WEBHOOK_URL", `(https://[a-z0-9-]{2,40}\.webhook\.office\.com/webhookb2/[\w@./-]{80,220})`, 3},
	{"GOOGLE_CHAT_WEBHOOK_URL", `(https://chat\.googleapis\.com/v1/spaces/[\w-]{6,20}/messages\?key=[\w-]{30,50}&token=[\w%=-]{30,70})`, 3},
	{"ZAPIER_WEBHOOK_URL", `(https://hooks\.zapier\.com/hooks/catch/\d{4,12}/[a-z0-9]{5,12})`, 3},
	{"TEAMS_WEBHOOK_URL", `(https://outlook\.office(?:365)?\.com/webhook/[\w@./-]{80,220})`, 3},
	{"TINES_WEBHOOK_URL", `(https://[\w-]{2,40}\.tines\.com/webhook/[0-9a-z]{32}/[0-9a-z]{32})`, 3},
	{"DISCORD_BOT_TOKEN", `(?i)discord[^\n]{0,40}?\b([MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})` + tail, 4.2},
	{"TELEGRAM_BOT_TOKEN", `\b(\d{8,10}:AA[\w-]{32,34})` + tail, 3.5},
	{"FCM_SERVER_KEY", `\b(AAAA[\w-]{7}:APA91b[\w-]{120,160})` + tail, 4},
	{"FACEBOOK_ACCESS_TOKEN", `\b(EAA[A-Za-z0-9]{90,400})` + tail, 3.5},
	{"TWILIO_API_KEY", `\b(SK[0-9a-f]{32})` + tail, 3},
	{"SENDGRID_API_KEY", `\b(SG\.[\w-]{16,32}\.[\w-]{32,64})` + tail, 3.5},
	{"MAILGUN_API_KEY", `\b(key-[0-9a-z]{32})` + tail, 3},
	{"MAILCHIMP_API_KEY", `\b([0-9a-f]{32}-us\d{1,2})` + tail, 3},
	{"RESEND_API_KEY", `\b(re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,28})` + tail, 3.5},
	{"BREVO_API_KEY", `\b(x(?:keysib|smtpsib)-[0-9a-f]{64}-[A-Za-z0-9]{16})` + tail, 3},
	// Work, monitoring, build.
	{"NOTION_TOKEN", `\b(secret_[A-Za-z0-9]{43})` + tail, 3.9},
	{"TYPEFORM_TOKEN", `\b(tfp_[\w-]{40,64})` + tail, 3.5},
	{"ADAFRUIT_IO_KEY", `\b(aio_[A-Za-z0-9]{28})` + tail, 3.5},
	{"CLICKUP_TOKEN", `\b(pk_\d{6,9}_[0-9A-Z]{32})` + tail, 3.5},
	{"ZOHO_TOKEN", `\b(1000\.[0-9a-f]{32}\.[0-9a-f]{32})` + tail, 3},
	{"ROOTLY_TOKEN", `\b(rootly_[0-9a-f]{64})` + tail, 3},
	{"POLAR_TOKEN", `\b(polar_[a-z]{2,4}_[A-Za-z0-9]{36,60})` + tail, 3.5},
	{"ONFIDO_TOKEN", `\b(api_(?:live|sandbox)(?:_[a-z]{2})?\.[\w.-]{30,48})` + tail, 3.5},
	{"CONFIGCAT_SDK_KEY", `\b(configcat-sdk-1/[\w-]{22}/[\w-]{22})` + tail, 3.8},
	{"PUBNUB_SECRET_KEY", `\b(sec-c-[A-Za-z0-9]{48,52})` + tail, 3.5},
	{"VOICEFLOW_KEY", `\b(VF\.(?:[DW][MS]\.)?[0-9a-fA-F]{24}\.[A-Za-z0-9]{16})` + tail, 3.5},
	{"TEAMWORK_TOKEN", `\b(tkn\.v1_[A-Za-z0-9]{71}=)`, 3.5},
	{"STACKHAWK_KEY", `\b(hawk\.[\w-]{20}\.[\w-]{20})` + tail, 3.5},
	{"UBIDOTS_KEY", `\b(BBFF-[A-Za-z0-9]{30})` + tail, 3.5},
	{"CANVA_SECRET", `\b(cnvca[A-Za-z0-9_-]{51})` + tail, 4},
	{"FLEETBASE_KEY", `\b(flb_(?:live|test)_[A-Za-z0-9]{20})` + tail, 3.5},
	{"DEVCYCLE_KEY", `\b(dvc_(?:server|client|mobile)_[\w-]{20,50})` + tail, 3.5},
	{"DEVIN_API_KEY", `\b((?:cog_|apk_user_)[A-Za-z0-9+/_-]{40,120}={0,2})`, 3.8},
	{"MAILERSEND_API_TOKEN", `\b(mlsn\.[0-9a-z]{40,64})` + tail, 3.5},
	{"TWITCH_STREAM_KEY", `\b(live_\d{6,12}_[A-Za-z0-9]{24,36})` + tail, 3.5},
	{"NEW_RELIC_KEY", `\b([0-9a-z]{36}NRAL)` + tail, 3},
	{"SEGMENT_TOKEN", `\b(sgp_[A-Za-z0-9]{64})` + tail, 3.8},
	{"FIGMA_TOKEN", `\b(fig[dour]_[\w-]{38,60})` + tail, 3.5},
	{"AIRTABLE_TOKEN", `\b(pat[A-Za-z0-9]{14}\.[0-9a-f]{64})` + tail, 3},
	{"HUBSPOT_TOKEN", `\b(pat-(?:na|eu|ap)\d-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})` + tail, 3},
	{"LINEAR_API_KEY", `\b(lin_(?:api|oauth)_[A-Za-z0-9]{40,64})` + tail, 3.2},
	{"ASANA_TOKEN", `\b([12]/\d{15,17}(?:/\d{15,17})?:[0-9a-f]{32})` + tail, 3},
	{"CONTENTFUL_TOKEN", `\b(CFPAT-[\w-]{43})` + tail, 3.5},
	{"SHOPIFY_TOKEN", `\b(shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32})` + tail, 3},
	{"WOOCOMMERCE_KEY", `\b(c[ks]_[0-9a-f]{40})` + tail, 3},
	{"SALESFORCE_TOKEN", `\b(00D[A-Za-z0-9]{12,15}![\w.]{80,120})`, 3.5},
	{"POSTMAN_API_KEY", `\b(PMAK-[0-9a-f]{24}-[0-9a-f]{34})` + tail, 3},
	{"NEW_RELIC_KEY", `\b(NR(?:AK|AA|II|IQ|BR|RA)-[A-Za-z0-9_-]{24,42})` + tail, 3},
	{"GRAFANA_TOKEN", `\b(glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_eyJ[A-Za-z0-9+/]{40,400}={0,2})` + tail, 3},
	{"HONEYCOMB_KEY", `\b(hc[abi][a-z]{2}_[A-Za-z0-9]{58})` + tail, 3.5},
	{"POSTHOG_KEY", `\b(ph[cx]_\w{40,48})` + tail, 3.5},
	{"LAUNCHDARKLY_KEY", `\b((?:sdk|api)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})` + tail, 3},
	{"DYNATRACE_TOKEN", `\b(dt0[a-z]\d{2}\.[A-Z0-9a-z]{24}\.[A-Z0-9a-z]{64})` + tail, 3.5},
	{"BUILDKITE_TOKEN", `\b(bkua_[0-9a-z]{40})` + tail, 3},
	{"CIRCLECI_TOKEN", `\b(CCI(?:PAT|PRJ)_[A-Za-z0-9]{20,24}_[0-9a-f]{40})` + tail, 3},
	{"SNYK_TOKEN", `\b(snyk_(?:uat|sat)\.[0-9a-f]{8}\.[\w-]{40,80})` + tail, 3.5},
	{"OKTA_API_TOKEN", `\bSSWS\s{1,2}([\w-]{30,64})` + tail, 3.2},
	{"STYTCH_SECRET", `\b(secret-(?:live|test)-[\w-]{35}=)`, 3.5},
	{"SENTRY_ORG_TOKEN", `\b(sntrys_eyJ[\w+/-]{40,400}={0,2}_[\w+/-]{40,48})`, 3.5},
	{"GRAFANA_API_KEY", `\b(eyJrIjoi[A-Za-z0-9]{60,110}={0,2})` + tail, 3.5},
	{"SONAR_TOKEN", `\bsonar\.(?:login|token)\s{0,2}=\s{0,2}([\w-]{32,64})` + tail, 3},
	{"SONAR_TOKEN", `\b(sq[upa]_[0-9a-f]{40})` + tail, 3},
	{"MAPBOX_SECRET_TOKEN", `\b([st]k\.eyJ[\w-]{30,200}\.[\w-]{20,24})` + tail, 3.5},
	{"AGE_SECRET_KEY", `\b(AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58})`, 0},
	{"AGE_PLUGIN_KEY", `\b(AGE-PLUGIN-[A-Z0-9-]{2,20}-1[02-9AC-HJ-NP-Z]{40,200})`, 3},
	{"PASETO", `\b(v[1-4]\.(?:local|public)\.[\w-]{40,1000}(?:\.[\w-]{4,400})?)`, 3.5},
	{"URL_SIGNING_SECRET", `(?i)[?&](?:X-Amz-Signature=([0-9a-f]{64}))`, 3},
	// Files with a fixed form.
	{"FACEBOOK_APP_TOKEN", `(?i)facebook[^\n]{0,60}?\b(\d{15,16}(?:\||%7C)[0-9a-z_-]{27,40})` + tail, 3},
	{"SIDEKIQ_SENSITIVE_URL", `(?i)\bhttps?://([a-f0-9]{8}:[a-f0-9]{8})@(?:gems|enterprise)\.contribsys\.com`, 0},
}

// ownRules compiles the tables.
func ownRules() ([]Rule, error) {
	var out []Rule
	for _, k := range kinds {
		needs := func([]byte) bool { return true }
		switch k.entity {
		case "VAULT_LEGACY_TOKEN":
			needs = func(v []byte) bool { n := census(v); return n.digits > 0 && n.turns >= 6 }
		case "MOLLIE_API_KEY", "NGROK_TOKEN", "PAGARME_KEY":
			needs = func(v []byte) bool { n := census(v); return n.digits > 1 && n.turns >= 6 }
		}
		rules, err := k.compile(needs, false)
		if err != nil {
			return nil, err
		}
		out = append(out, rules...)
	}
	for _, t := range forms {
		for _, k := range t.kinds {
			rules, err := k.compile(t.needs, true)
			if err != nil {
				return nil, err
			}
			out = append(out, rules...)
		}
	}
	return out, nil
}

// compile makes a rule of each alternative; trim cuts what ends a sentence off
// the value.
func (k kind) compile(needs func([]byte) bool, trim bool) ([]Rule, error) {
	patterns, err := compilePattern(k.regex)
	if err != nil {
		return nil, fmt.Errorf("format %s: %w", k.entity, err)
	}
	var out []Rule
	for _, p := range patterns {
		p.entropy, p.needs, p.trim = k.entropy, needs, trim
		out = append(out, p.rule(k.entity))
	}
	return out, nil
}

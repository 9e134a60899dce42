package secret

// owners are services that issue keys to those who use them, as one word of a
// name: what a variable such as SHODAN_KEY holds opens an account there. Names
// that are common words of programs (box, linear, segment) are not among them.
var owners = wordSet(`
	abuseipdb adafruit adyen ahrefs airbrake airtable aiven akamai algolia alibaba aliyun alienvault alpaca alphavantage amazon amplitude anthropic apify apollo appcenter
	appdynamics appsflyer artifactory asana assemblyai atlassian auth0 authress aws azure backblaze baremetrics baseten beamer bedrock binance bing bitbucket bitly bittrex bitrise bland
	braintree braze brevo browserless browserstack bugsnag buildkite bunny bybit calendly cartesia censys cerebras chargebee checkly circleci civo clarifai claude clearbit clerk clickhouse clickup
	clockify clojars cloudconvert cloudflare cloudinary cloudsmith codacy codecov codeclimate cohere coinapi coinbase coinmarketcap cometml confluent consul contentful coralogix cosmos cosmosdb courier
	crowdin crowdstrike customerio databento databricks datadog dataforseo datarobot deepai deepgram deepinfra deepl deepseek descope dhl digicert digitalocean discord docker dockerhub docusign doppler
	dropbox duffel dynatrace easypost edamam elastic elevenlabs emailoctopus etherscan etsy eventbrite expo facebook fastly figma finage finicity finnhub firebase firecrawl fireworks fivetran flickr
	flutterwave flyio fmp foursquare frameio freshbooks freshdesk fullstory gemini geoapify geocodio gitguardian github gitlab gitter gladia gocardless godaddy google goshippo grafana
	greynoise groq gumroad hcaptcha helicone helius heroku hetzner honeybadger honeycomb hotjar hubspot huggingface hybridanalysis hypixel ibm imagekit imgbb imgur
	infobip infracost influx infura instagram intercom ipapi ipdata ipgeolocation ipinfo ipqualityscore ipstack iterable jenkins jfrog jina jira jotform jumpcloud kaggle keen klarna klaviyo komodor kraken kucoin
	lambdalabs langchain langfuse langsmith lastfm launchdarkly leonardo lemonsqueezy linkedin linode livekit lob locationiq logdna logfire logtail logz logzio lokalise looker luma mailchimp mailersend mailgun
	mailjet mailtrap mandrill mapbox mapquest mapsapi marketstack mattermost maxmind mediastack meilisearch mem0 mercadopago messagebird microsoft milvus minimax mistral mixpanel moesif mollie mongodb moonshot
	mux nasa nebius neon netlify newrelic newsapi newscatcher nexmo ngrok nightfall nomad notion nownodes npm nuget numverify nvidia nytimes octopus okta ollama onesignal onfido openai openaq opencage openexchangerates
	openrouter openshift openweather openweathermap opsgenie oracle outscraper ovh pagerduty paddle paypal paystack perplexity pexels pinata pinecone pingdom pixabay plaid planetscale plivo
	polygon polygonio portkey posthog postman postmark prefect prismic proxycurl pulumi pushbullet pusher pushover qdrant qualys quandl quay quicknode qwen railway rapid7 raygun razorpay recaptcha recurly
	rekognition replicate resend revenuecat riot roboflow rollbar rubygems runpod runway sambanova sanity saucelabs scaleway scalingo scrapingbee scraperapi screenshotone securitytrails semrush sendbird sendgrid
	sendinblue sentinelone sentry serpapi serper shippo shodan shopify sidekiq signalfx siliconflow sinch skyscanner slack smartsheet snowflake snyk solarwinds sonar sonarcloud sonarqube sourcegraph sparkpost
	speechmatics splunk spotify spoonacular sportradar squareup squarespace stability statsig statuscake steam storyblok strava stripe stytch sumologic supabase surrealdb tailscale tatum tavily telegram telnyx tenable
	tencent tenor ticketmaster tiingo tinify tinypng tmdb togetherai tomorrowio tomtom traceloop travis travisci trello turso twelvedata twilio twitch twitter typeform typesense uber unsplash upcloud
	uploadcare upstash uptimerobot urlscan usps vapi vercel virustotal vonage voyage voyageai vultr wakatime wandb wasabi weatherapi weatherbit weatherstack weaviate webflow whatsapp wistia wolfram wolframalpha
	woocommerce workos xai xero yandex yelp youtube zapier zendesk zenrows zeplin zerobounce zhipu zilliz zoho zoom zoominfo
`)

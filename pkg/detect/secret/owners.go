package secret

// owners are services that issue keys to those who use them, as one word of a
// name: what a variable such as SHODAN_KEY holds opens an account there. Names
// that are common words of programs (box, linear, segment) are not among them.
// They are those that public scanners have rules for (gitleaks, TruffleHog,
// Kingfisher, Nosey Parker), and some more of the same kinds.
var owners = wordSet(`
	abuseipdb abyssale accuweather adafruit adobe adyen adzuna agora ahrefs ai21 airbrake airship airtable airvisual aiven akamai aletheia algolia alibaba alienvault aliyun alpaca alphavantage amazon
	ambee amplitude anthropic anypoint anyscale apideck apiflash apify apilayer apollo apollographql appcenter appcues appdynamics appfollow applitools appoptics appsflyer appveyor arize artifactory
	artsy asana assemblyai atlassian audd auth0 authress autodesk avaza aviationstack aws aylien ayrshare azure backblaze baidu bamboohr bannerbear baremetrics baseten beamer bedrock beebole besttime
	betterstack binance bing bitbar bitbucket bitfinex bitly bitmex bitrise bittrex bland blazemeter blocknative blynk borgbase braintree braintrust brandfetch braze brevo browserless browserstack
	budibase bugherd bugsnag buildkite bulksms bunny buttercms bybit byteplus calendarific calendly capsulecrm captaindata cartesia censys cerebras chargebee chartmogul checkly checkvist circleci civo
	clarifai claude clearbit clearout clerk clickhelp clickhouse clicksend clickup clockify clojars cloudconvert cloudflare cloudimage cloudinary cloudmersive cloudsight cloudsmith codacy codeclimate
	codecov codemagic codequiry codeship cohere coinapi coinbase coinlayer coinlib coinmarketcap cometml commercejs confluent consul contentful convertapi convertkit coralogix cosmos cosmosdb couchbase
	countrylayer courier coveralls craftmypdf crowdin crowdstrike cryptocompare currencyfreaks currencylayer customerio dashscope databento databox databricks datadog datadome dataforseo datagov
	datarobot deepai deepgram deepinfra deepl deepseek delighted demio deputy descope detectify dhl diffbot digicert digitalocean discord discourse disqus docker dockerhub documo docusign
	doppler dotdigital dronaci dronahq dropbox duffel dwolla dynatrace dyspatch easypost edamam eightxeight elastic elasticemail elevenlabs emailoctopus endorlabs etherscan ethplorer etsy eventbrite
	everhour exchangerate exchangerateapi exchangeratesapi expo facebook fastforex fastly featherless feedier fibery figma filestack finage finicity finnhub firebase firecrawl fireworks fivetran flatio
	fleetbase flexport flickr flightapi flightstats flowflu flutterwave flyio fmp formio foursquare frameio freshbooks freshdesk fulcrum fullstory geckoboard gemini gengo geoapify geocodify geocodio
	getgeoapi getresponse getstream gitguardian github gitlab gitter gladia glassnode gmaps gocanvas gocardless gocd godaddy google googlemaps goshippo grafana graphcms graphhopper greynoise groovehq
	groq gtmetrix gumroad happyscribe hashicorp hasura hcaptcha helicone helius hellosign helpcrunch helpscout hereapi heroku hetzner holidayapi honeybadger honeycomb hotjar html2pdf hubspot huggingface
	humanloop hybridanalysis hyperbolic hyperbrowser hypertrack hypixel ibm iconfinder ideogram iexcloud imagekit imagga imgbb imgix imgur influx infobip infracost infura insightly instagram instamojo
	intercom intrinio inworld ip2location ipapi ipdata ipgeolocation ipinfo ipquality ipqualityscore ipstack iterable jenkins jfrog jina jira jotform jumio jumpcloud juro kaggle kagi kaleyra kanbantool
	keen kickbox klarna klaviyo klipfolio komodor kontent kraken kucoin lakera lambdalabs lambdatest langchain langfuse langsmith languagelayer lastfm launchdarkly leadfeeder lemlist lemonsqueezy
	leonardo lessannoyingcrm letta linkedin linode liveagent livekit llamacloud loadmill lob locationiq logdna logfire loggly loginradius logtail logz logzio lokalise looker loyverse luma lunchmoney luno
	lytics madkudu magicbell mailboxlayer mailchimp mailerlite mailersend mailgun mailjet mailmodo mailsac mailtrap mandrill mapbox mapquest mapsapi maptiler marketstack mattermost mavenlink maxmind
	meaningcloud mediastack meilisearch meistertask mem0 meraki mercadopago mesibo messagebird metabase microsoft milvus mindmeister minimax mistral mixpanel mockaroo moesif mollie mongodb monkeylearn
	moonclerk moonshot moosend mux nasa nasdaqdatalink nebius neon neptune nethunt netlify netsuite neutrinoapi newrelic newsapi newscatcher nexmo nftport ngrok nightfall nomad nomic notion novita
	nownodes npm nscale nuget numverify nutritionix nvidia nylas nytimes oanda octopus okta ollama omdb omnisend onedesk onelogin onesignal onfido onfleet openai openaq opencage openexchangerates
	openrouter openshift openuv openweather openweathermap opsgenie optimizely oracle outscraper ovh packagecloud paddle pagarme pagerduty pandadoc paperform papertrail parasail parsehub parseur
	partnerstack pastebin paymongo paypal paystack pdflayer pdfshift peopledatalabs pepipost percy perplexity pexels photoroom pinata pinecone pingdom pipedream pipedrive pivotaltracker pixabay plaid
	planetscale playht plivo podio poloniex polygonio portainer portkey positionstack postageapp posthog postman postmark powerbi prefect prismic proxycrawl proxycurl pubnub pulumi purestake
	pushbullet pusher pushover pypi qase qdrant qualaroo qualys quandl quay qubole quicknode qwen rabbitmq railway rapid7 rapidapi rawg raygun razorpay reachmail rebrandly recaptcha rechargepayments
	recurly rekognition replicate replyio resend restpack revenuecat ringcentral riot ritekit roboflow rocketreach rockset rollbar rootly route4me rubygems runpod runrunit runway salesblink salesflare
	salesforce salesmate sambanova sanity saucelabs scaleai scaleway scalingo scalr scoutapm scraperapi scrapestack scrapfly scrapingant scrapingbee screenshotapi screenshotone securitytrails segmentio
	selectpdf semaphore sematext semrush sendbird sendgrid sendinblue sentinelone sentry serpapi serper serpstack shipday shipengine shippo shipstation shodan shopify shotstack shutterstock sidekiq
	sightengine signalfx signalwire signaturit sigopt siliconflow simplesat sinch sirv skyscanner slack smartsheet smartystreets smooch snipcart snowflake snyk solarwinds sonar sonarcloud sonarqube
	sourcegraph sparkpost speechmatics splunk spoonacular sportmonks sportradar sportsmonk spotify squarespace squareup stability statsig statuscake statuspage statuspal steam stockdata storecove
	stormglass storyblok storychief strava stripe stripo stytch sumologic sumup supabase supernotes surrealdb surveymonkey surveysparrow swiftype synthesia tableau tailscale tatum tavily taxjar teamcity
	teamgate teamwork telegram telnyx tenable tencent tenor testingbot textmagic thingsboard thinkific thousandeyes ticketmaster tickettailor tiingo timecamp tinify tinypng tmdb tmetric todoist
	togetherai toggl tomorrowio tomtom traceloop tradier transferwise travelpayouts travis travisci trello truelayer turso twelvedata twilio twitch twitter tyntec typeform typesense uber ubidots
	uclassify udio unsplash upcloud uploadcare upstash uptimerobot upwave urlscan userflow userstack usps vagrantcloud vapi vatlayer vercel verimail veriphone victorops vimeo virtualearth virustotal
	visualcrossing voiceflow voicegain volcengine vonage voyage voyageai vpnapi vultr wakatime walkscore wandb wasabi wavefront weatherapi weatherbit weatherstack weaviate web3storage webex webflow
	webscraper websitepulse weightsandbiases wellsaid wepay wercker whatsapp whoxy wise wistia wolfram wolframalpha woocommerce workos workstack worldpay wrike xai xata xero yandex yelp yext ynab yotpo
	yousign youtube zabbix zapier zendesk zenkit zenrows zenscrape zenserp zeplin zerobounce zeroentropy zerotier zhipu zilliz zipcodeapi zipcodebase zoho zoom zoominfo zulip
`)

package detect

import (
	"slices"
	"strings"

	"github.com/regent-proxy/regent/pkg/detect/secret"
)

// Entity describes one kind of finding.
type Entity struct {
	Name  string
	Class Class
	About string // what it is and how it is checked, one phrase
}

var described = []Entity{
	{"EMAIL", PII, "mail address (RFC 5321), international ones too"},
	{"PHONE", PII, "phone number: international checked by its country, national by its form or with words before it"},
	{"CREDIT_CARD", PII, "payment card: network, length, check digit (ISO/IEC 7812)"},
	{"IBAN", PII, "bank account: country's length, check digits (ISO 13616)"},
	{"BIC", PII, "bank (ISO 9362), with words before it"},
	{"US_SSN", PII, "US social security number: ranges given out; without dashes with words before it"},
	{"US_ITIN", PII, "US taxpayer number: ranges given out"},
	{"US_EIN", PII, "US employer number, with words before it"},
	{"IP_ADDRESS", PII, "IPv4 or IPv6 address; not loopback and unspecified ones"},
	{"MAC_ADDRESS", PII, "hardware address (EUI-48)"},
	{"UK_NINO", PII, "UK national insurance number: prefixes given out"},
	{"UK_NHS", PII, "UK health service number: check digit, with words before it"},
	{"FR_NIR", PII, "French social security number: key of 97, Corsica too"},
	{"FR_SIRET", PII, "French establishment: check digits"},
	{"FR_SIREN", PII, "French company: check digit, with words before it"},
	{"DE_TAX_ID", PII, "German tax identification number: check digit, with words before it"},
	{"ES_DNI", PII, "Spanish identity card: check letter"},
	{"ES_NIE", PII, "Spanish foreigner's number: check letter"},
	{"IT_FISCAL_CODE", PII, "Italian codice fiscale: check letter, omocodia too"},
	{"NL_BSN", PII, "Dutch citizen's number: test of eleven, with words before it"},
	{"BE_NRN", PII, "Belgian national register number: key of 97"},
	{"PL_PESEL", PII, "Polish PESEL: date and check digit, with words before it"},
	{"PT_NIF", PII, "Portuguese tax number: check digit, with words before it"},
	{"CH_AHV", PII, "Swiss social insurance number: check digit"},
	{"VAT_NUMBER", PII, "VAT number of AT BE CH DE ES FR GB IT LU NL PL PT: check digits"},
	{"PASSPORT", PII, "passport number, with words before it"},
	{"DRIVING_LICENCE", PII, "driving licence: the UK's by its form, others with words before them"},
	{"DATE_OF_BIRTH", PII, "date, with words for birth before it"},
	{"CRYPTO_WALLET", PII, "Bitcoin address (base58check, bech32), Ethereum address"},
	{"GPS_COORDINATES", PII, "pair of coordinates: decimal ones of four places or with words before them, degrees with their signs"},
	{"VIN", PII, "vehicle: check digit, or with words before it (ISO 3779)"},
	{"INJECTION", Injection, "orders to the model, jailbreaks; whole texts only"},
	{"CANARY", Exfiltration, "a configured string of the system prompt that came back"},
	{"MARKDOWN_IMAGE", Exfiltration, "markdown image with data in its address"},
	{"MARKDOWN_LINK", Exfiltration, "markdown link with data in its address"},
	{"MARKDOWN_REFERENCE", Exfiltration, "address of a markdown reference with data in it"},
	{"HTML_IMAGE", Exfiltration, "HTML image with data in its address"},
	{"ENCODED_TEXT", Exfiltration, "base64 or hexadecimal of 64 bytes or more that decodes to text"},
}

// Entities lists all that a set can find without custom entities.
func Entities() ([]Entity, error) {
	rules, err := secret.Rules()
	if err != nil {
		return nil, err
	}
	out := slices.Clone(described)
	seen := map[string]bool{}
	for _, r := range rules {
		if !seen[r.Entity] {
			seen[r.Entity] = true
			out = append(out, Entity{r.Entity, Secret, r.About})
		}
	}
	tail := out[len(described):]
	slices.SortFunc(tail, func(a, b Entity) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

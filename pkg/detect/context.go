package detect

import "sync"

// contextReach is how far before a value its context words may stand.
const contextReach = 64

// subject is what context words are about.
type subject uint8

const (
	aboutNothing subject = iota
	aboutPhone
	aboutCard
	aboutSSN
	aboutITIN
	aboutEIN
	aboutNHS
	aboutNINO
	aboutNIR
	aboutSIREN
	aboutGermanTax
	aboutDNI
	aboutFiscalCode
	aboutBSN
	aboutNRN
	aboutPESEL
	aboutNIF
	aboutAHV
	aboutVAT
	aboutPassport
	aboutLicence
	aboutBirth
	aboutWallet
	aboutPlace
	aboutVIN
	aboutBIC
	aboutIBAN
	subjects
)

// contextWords are what stands before a value, each with its blanks: a word
// begins with a blank here, and ends with one unless it may go on.
var contextWords = [subjects][][]byte{
	aboutPhone:      words(" phone", " tel ", " telephone", " telefon", " telefoon", " téléphone", " téléph", " teléfono", " telefono", " telefone", " mobile ", " mobil ", " mobiel", " móvil", " cell ", " cellphone", " cellulare", " celular", " handy ", " portable ", " call ", " callback", " caller", " fax", " whatsapp", " signal ", " sms ", " text me", " dial ", " ring ", " reach me", " rufnummer", " numer tel", " komórk", " telemóvel", " hotline", " appel", " joindre", " contact ", " tél ", " llam", " chiam", " anrufen", " bel ", " zadzwoń", " answers ", " answer "),
	aboutCard:       words(" card", " credit", " debit", " visa ", " mastercard", " amex ", " american express", " discover ", " carte", " tarjeta", " carta ", " karte", " kreditkart", " kaart", " karta ", " cartão", " cc ", " pan ", " payment", " paid with"),
	aboutSSN:        words(" ssn", " social security", " soc sec", " social sec"),
	aboutITIN:       words(" itin", " individual taxpayer"),
	aboutEIN:        words(" ein ", " employer id", " fein", " federal tax", " tax id", " irs "),
	aboutNHS:        words(" nhs", " national health", " health service", " patient"),
	aboutNINO:       words(" nino ", " national insurance", " ni number", " ni no", " insurance number"),
	aboutNIR:        words(" nir ", " sécurité sociale", " securite sociale", " insee", " sécu "),
	aboutSIREN:      words(" siren", " siret", " rcs ", " immatricul", " société", " entreprise", " employeur", " établissement", " etablissement"),
	aboutGermanTax:  words(" steuer", " idnr", " tin ", " tax id", " identifikationsnummer", " steuerid"),
	aboutDNI:        words(" dni", " nie ", " nif ", " documento", " identidad", " extranjer"),
	aboutFiscalCode: words(" codice fiscale", " cf ", " fiscal"),
	aboutBSN:        words(" bsn", " burgerservice", " sofinummer", " sofi"),
	aboutNRN:        words(" rijksregister", " registre national", " national register", " national number", " numéro national", " nrn ", " insz", " niss", " rrn "),
	aboutPESEL:      words(" pesel"),
	aboutNIF:        words(" nif ", " contribuinte", " número fiscal", " numero fiscal", " identificação fiscal", " finanças"),
	aboutAHV:        words(" ahv", " avs ", " sozialversicherung", " oasi", " assicurazione vecchiaia", " navs"),
	aboutVAT:        words(" vat ", " tva ", " ust ", " ustid", " umsatzsteuer", " iva ", " btw ", " uid ", " mwst", " partita iva", " tax number"),
	aboutPassport:   words(" passport", " passeport", " pasaporte", " passaporto", " reisepass", " paspoort", " paszport", " passaporte", " pass nr", " passnummer", " passnr"),
	aboutLicence:    words(" licence", " license", " driving", " driver", " permis ", " führerschein", " patente", " rijbewijs", " prawo jazdy", " carta de condução", " permiso de conducir", " dvla", " dl "),
	aboutBirth:      words(" birth", " dob ", " born", " né le", " née le", " naissance", " geboren", " geburts", " geb ", " nacimiento", " nacid", " nascita", " nato ", " nata ", " geboorte", " urodz", " ur ", " nascimento", " nascid", " birthday", " date of b"),
	aboutWallet:     words(" wallet", " btc ", " bitcoin", " eth ", " ethereum", " crypto", " address"),
	aboutPlace:      words(" gps", " lat", " lon", " lng", " coord", " location", " position", " geo", " located", " standort", " ubicaci", " posizione", " emplacement", " locatie", " położ", " localiza"),
	aboutVIN:        words(" vin ", " vehicle", " chassis", " fahrgestell", " fin ", " véhicule", " telaio", " bastidor"),
	aboutBIC:        words(" bic", " swift"),
	aboutIBAN:       words(" iban", " account", " konto", " compte", " cuenta", " conto ", " rekening"),
}

// unlike are words before numbers that are no person's: they lower a score.
var unlike = words(" order", " invoice", " tracking", " version", " build ", " commit", " sku ", " isbn", " issn", " ticket", " shipment", " job ", " ref ", " reference", " bestellung", " commande", " pedido", " epoch", " timestamp", " ts ", " offset", " size ", " bytes", " doi ", " rfc ", " port ", " revenue", " parcel", " colis", " paket")

func words(list ...string) [][]byte {
	out := make([][]byte, len(list))
	for i, w := range list {
		out[i] = []byte(w)
	}
	return out
}

// surroundings is the text before a value, in lower case, signs as one blank.
type surroundings struct {
	buf  [contextReach + 2]byte
	n    int
	at   int // of the value it is for
	made bool
	last [subjects + 1]int // where the last word of each subject ends, 0 without; unlike's last
}

func (s *surroundings) read(text []byte, at int) {
	if s.made && s.at == at {
		return
	}
	s.at, s.made = at, true
	s.buf[0], s.n = ' ', 1
	from := max(0, at-contextReach)
	if from > 0 { // not within a word
		for from < at && kindOf[text[from-1]]&(isUpper|isLower|isWide) != 0 && kindOf[text[from]]&(isUpper|isLower|isWide) != 0 {
			from++
		}
	}
	for i, c := range text[from:at] {
		k := kindOf[c]
		switch {
		case k&(isLower|isWide|isDigit) != 0:
		case k&isUpper != 0:
			if i > 0 && kindOf[text[from+i-1]]&isLower != 0 { // camelCase
				s.add(' ')
			}
			c = lower(c)
		default:
			c = ' '
		}
		s.add(c)
	}
	s.add(' ')
	s.find()
}

func (s *surroundings) add(c byte) {
	if s.n < len(s.buf) && (c != ' ' || s.buf[s.n-1] != ' ') {
		s.buf[s.n] = c
		s.n++
	}
}

// spent reports that another number stands between the words that end at at and
// the value: they were about that one.
func (s *surroundings) spent(at int) bool {
	digits := 0
	for _, c := range s.buf[at:s.n] {
		if kindOf[c]&isDigit != 0 {
			digits++
		}
	}
	return digits >= 6
}

// contextFinder finds all context words in one pass; the rule of a literal is
// its subject, that of unlike's is subjects.
var contextFinder = sync.OnceValue(func() *automaton {
	var list []literal
	for a, ws := range append(contextWords[:], unlike) {
		for _, w := range ws {
			list = append(list, literal{string(w), a})
		}
	}
	return newAutomaton(list)
})

// find notes where the last word of each subject ends.
func (s *surroundings) find() {
	a := contextFinder()
	s.last = [subjects + 1]int{}
	state := uint32(0)
	for i, c := range s.buf[:s.n] {
		state = a.next[state+uint32(a.class[c])]
		if state >= a.first {
			for _, o := range a.outs[state>>(a.shift&31)] {
				s.last[o.rule] = i + 1
			}
		}
	}
}

// about is how close the subject's nearest word stands before the value: 0
// none, to 1 right before it.
func (s *surroundings) about(a subject) float64 {
	best := s.last[a]
	if best == 0 || s.spent(best) {
		return 0
	}
	return 1 - float64(s.n-best)/float64(2*len(s.buf))
}

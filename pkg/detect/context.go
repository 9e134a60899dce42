package detect

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

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
	aboutHost
	aboutMAC
	aboutEvent
	aboutTelephone // those of aboutPhone that stand before nothing else
	subjects
)

// contextWords are what stands before a value, each with its blanks: a word
// begins with a blank here, and ends with one unless it may go on.
var contextWords = [subjects][][]byte{
	aboutTelephone:  telephoneWords,
	aboutPhone:      append(words(" portable ", " call ", " callback", " caller id", " signal ", " sms ", " text me", " dial ", " ring ", " reach me", " rufen sie", " erreichbar", " erreichen", " rückruf", " rückfragen", " durchwahl", " позвон", " appel", " joindre", " contact ", " llam", " llám", " chiam", " anrufen", " bel ", " bellen", " zadzwoń", " ringe ", " soita", " answers ", " answer ", " answering", " messages to", " my number", " your number", " his number", " her number", " office line", " direct line", " landline", " meine nummer", " mon numéro", " mi número", " mio numero", " mijn nummer", " mój numer", " mitt nummer", " mit nummer", " meu número", " moje číslo", " numaram"), telephoneWords...),
	aboutCard:       words(" card", " credit", " debit", " visa ", " mastercard", " amex ", " american express", " discover ", " carte", " tarjeta", " carta ", " karte", " kreditkart", " kaart", " karta ", " cartão", " kort ", " kortti", " карт", " κάρτα", " كرت", " بطاقة", " कार्ड", " כרטיס", " 卡号", " 卡號", " 信用卡", " 银行卡", " カード", " 카드", " kart ", " cc ", " pan ", " payment", " paid with"),
	aboutSSN:        words(" ssn", " social security", " soc sec", " social sec", " social is", " social number", " ss ", " my social ", " your social ", " his social ", " her social ", " their social "),
	aboutITIN:       words(" itin", " individual taxpayer"),
	aboutEIN:        words(" ein ", " employer id", " fein", " federal tax", " tax id", " irs "),
	aboutNHS:        words(" nhs", " national health", " health service", " patient"),
	aboutNINO:       words(" nino ", " nin ", " national insurance", " ni number", " ni no", " insurance number"),
	aboutNIR:        words(" nir ", " sécurité sociale", " securite sociale", " insee", " sécu "),
	aboutSIREN:      words(" siren", " siret", " rcs ", " immatricul", " société", " entreprise", " employeur", " établissement", " etablissement"),
	aboutGermanTax:  words(" steuer", " idnr", " tin ", " tax id", " identifikationsnummer", " steuerid", " id nr "),
	aboutDNI:        words(" dni", " d n i ", " nie ", " nif ", " documento", " identidad", " extranjer"),
	aboutFiscalCode: words(" codice fiscale", " cf ", " fiscal"),
	aboutBSN:        words(" bsn", " burgerservice", " sofinummer", " sofi"),
	aboutNRN:        words(" rijksregister", " registre national", " national register", " national number", " numéro national", " nrn ", " insz", " niss", " rrn ", " nn ", " nationalregister", " nationaal nummer", " n° national", " nationaal register"),
	aboutPESEL:      words(" pesel"),
	aboutNIF:        words(" nif ", " contribuinte", " número fiscal", " numero fiscal", " identificação fiscal", " finanças"),
	aboutAHV:        words(" ahv", " avs ", " sozialversicherung", " oasi", " assicurazione vecchiaia", " navs"),
	aboutVAT:        words(" vat ", " tva ", " ust ", " ustid", " umsatzsteuer", " iva ", " btw ", " uid ", " mwst", " partita iva", " tax number", " moms", " mva ", " alv ", " dič ", " dic ", " adószám", " αφμ", " ΑΦΜ", " pvm ", " pvn ", " ddv ", " pdv ", " ддс", " ДДС", " kmkr", " dph", " cvr", " cui ", " cif ", " nip ", " vatin", " vat"),
	aboutPassport:   words(" passport", " passeport", " pasaporte", " passaporto", " reisepass", " paspoort", " paszport", " passaporte", " pass nr", " passnummer", " passnr", " pass no ", " travel document", " pasport", " útlevél", " pașaport", " pasaport", " паспорт", " διαβατ", " דרכון", " جواز", " パスポート", " 旅券", " 护照", " 護照", " 여권"),
	aboutLicence:    words(" driving", " driver s ", " drivers lic", " drivers no", " driver lic", " driver no", " driver num", " permis de conduire", " permis ", " führerschein", " fahrerlaubnis", " patente", " rijbewijs", " prawo jazdy", " prawa jazdy", " carta de condução", " permiso de conducir", " carnet de conducir", " licencia de conducir", " dvla", " dl ", " dln ", " licence n", " license n", " licence id", " license id", " körkort", " kørekort", " førerkort", " ajokortti", " jogosítvány", " водительск", " 驾驶证", " 駕照", " 運転免許", " 운전면허"),
	aboutBirth:      words(" birth", " dob ", " d o b ", " born ", " bday", " né le", " née le", " né e le", " naissance", " geboren", " geburts", " geb ", " nacimiento", " nacido", " nacida", " nació", " nascita", " nato il", " nata il", " nato a", " nata a", " geboorte", " urodz", " ur ", " nascimento", " nascido", " nascida", " nasceu", " född", " födelse", " født", " fødsel", " syntynyt", " syntymä", " narozen", " született", " születési", " născut", " naștere", " doğum", " рожд", " родил", " γέννησ", " 出生", " 生年月日", " 生日", " 생년월일"),
	aboutWallet:     words(" wallet", " btc ", " bitcoin", " eth ", " ethereum", " crypto", " address"),
	aboutPlace:      words(" gps", " lat", " lon", " lng", " coord", " location", " position", " geo", " located", " standort", " ubicaci", " posizione", " emplacement", " locatie", " położ", " localiza"),
	aboutVIN:        words(" vin ", " vehicle", " chassis", " fahrgestell", " fin ", " véhicule", " châssis", " telaio", " bastidor"),
	aboutBIC:        words(" bic", " swift"),
	aboutIBAN:       words(" iban", " account", " konto", " compte", " cuenta", " conto ", " rekening"),
	aboutHost:       words(" ip ", " ips ", " ipv", " server", " host", " dns", " resolver", " ping", " gateway", " proxy", " client", " remote", " peer", " subnet", " addr", " src", " dst", " adresse", " dirección", " indirizzo", " adres", " connect", " listening", " router", " firewall", " traceroute", " nslookup", " dig ", " whois", " node", " machine", " serveur", " servidor", " rechner", " endpoint", " upstream", " request from", " login from", " logged in from", " traffic", " whitelist", " allowlist", " blocklist", " banned", " forwarded for", " real ip", " nameserver", " name server", " ssh ", " telnet ", " visitor", " cidr", " inet "),
	aboutMAC:        words(" mac ", " macs ", " mac addr", " hardware addr", " hwaddr", " ether ", " ethernet", " lladdr", " bssid", " physical addr", " wifi", " wlan", " eth0", " device", " interface", " arp "),
	aboutEvent:      words(" died", " death", " deceased", " expir", " issue", " valid until", " valid to", " valid from", " signed", " created", " updated", " modified", " due ", " joined", " hired", " started", " appointment", " visit", " admitted", " admission", " discharged", " married", " wedding", " founded", " released", " published", " invoice date", " order date", " gestorben", " verstorben", " gültig", " ausgestellt", " décéd", " délivré", " expire", " fallec", " caduca", " expedid", " decedut", " morto ", " rilasciat", " scaden", " overleden", " geldig", " afgegeven", " zmarł", " wydan", " ważn", " falecid", " emitid", " birthday party", " birth certificate"),
}

// telephoneWords name a phone, mostly as a label does: Tel.: 030 123456.
var telephoneWords = words(
	" phone", " ph ", " tel ", " telephone", " telefon", " telefoon", " téléphone", " téléph", " tél ", " teléfono", " telefono", " telefone", " tfno", " tlf", " telp ", " telepon", " cep no", " cep tel", " puhelin", " matkapuhelin", " puh ", " síma",
	" mobile ", " mobil ", " mobiltel", " diensttel", " privattel", " festnetz", " kontakttel", " natel ", " mobiel", " cel ", " fono", " tālr", " sími", " ringe meg", " ring meg", " ring mig", " móvil", " mob ", " cell ", " cellphone", " cellulare", " celular", " handy ", " handynummer", " mobilnummer", " rufnummer", " komórk", " telemóvel", " gsm ", " no hp ", " recapito",
	" fax", " faks", " whatsapp", " whats app", " hotline", " numer tel", " điện thoại", " номер тел", " телефон", " тел ", " мобильн", " моб ", " факс", " τηλέφων", " τηλ ", " κινητ", " טלפון", " הטלפון", " טל ", " נייד", " הנייד",
	" هاتف", " الهاتف", " جوال", " الجوال", " موبايل", " تلفون", " फ़ोन", " फोन", " मोबाइल", " โทร", " 電話", " 电话", " 手机", " 手機", " 携帯", " 連絡先", " 联系方式", " 传真", " ☎", " ✆", " 📞", " 📱", " 傳真", " 전화", " 휴대폰", " 핸드폰", " 연락처")

// unlike are words before numbers that are no person's: they lower a score.
var unlike = words(" order", " invoice", " tracking", " version", " build ", " commit", " sku ", " isbn", " issn", " ticket", " shipment", " job ", " ref ", " reference", " bestellung", " commande", " pedido", " epoch", " timestamp", " ts ", " offset", " size ", " bytes", " doi ", " rfc ", " port ", " revenue", " parcel", " colis", " paket", " section", " chapter", " kapitel", " chapitre", " capítulo", " ver ", " imei", " rechnung nr", " rechnungsn", " facture n", " factura n", " fattura n", " faktura nr", " policy", " meeting", " fedex", " usps", " barcode")

// words are those of a list, with a capital too where they begin with a letter
// of which the finder does not know both.
func words(list ...string) (out [][]byte) {
	for _, w := range list {
		out = append(out, []byte(w))
		first, n := utf8.DecodeRuneInString(w[1:])
		if title := unicode.ToUpper(first); first >= utf8.RuneSelf && title != first {
			out = append(out, []byte(" "+string(title)+w[1+n:]))
		}
	}
	return out
}

// surroundings are the context words before a value. The text before values
// is read once, however many values it has: a value that stands behind the last
// one goes on from there.
type surroundings struct {
	finder *automaton
	at     int // text[:at] was read
	made   bool
	state  uint32
	signs  int    // how many stand right before at
	last   uint16 // kind of the byte before at
	digits int    // how many were read
	floor  int    // words that ended before it do not count
	void   int    // no word before it is about what stands behind it
	ends   [subjects + 1]wordEnd
	now    uint32 // subjects, as bits, of a word that ends only if text ends at at
}

// wordEnd is where the last word of a subject ended, and how many digits had
// been read there. The last of them is unlike's.
type wordEnd struct{ at, digits int }

// Bounds of what is read before a value: a word that ends within contextReach
// is at most wordReach long, with at most maxSigns signs between its parts.
const (
	wordReach = 48
	maxSigns  = 4
)

// contextFinder finds all context words in one pass; the rule of a literal is
// its subject, that of unlike's is subjects. The classes are those of signs and
// capitals too.
var contextFinder = sync.OnceValue(func() *automaton {
	var list []literal
	for a, ws := range append(contextWords[:], unlike) {
		for _, w := range ws {
			list = append(list, literal{string(w), a})
		}
	}
	return wordFinder(list)
})

// wordFinder finds words that begin with a blank, for which any sign stands.
// Behind a blank more of them change nothing: the states that a blank leads to
// stay.
func wordFinder(words []literal) *automaton {
	for i := range words {
		words[i].text = spread(words[i].text)
	}
	a := newAutomaton(words)
	for c := range a.class {
		if isSign(byte(c)) {
			a.class[c] = a.class[' ']
		}
	}
	blank := uint32(a.class[' '])
	row := a.row()
	behind := make([]bool, len(a.next))
	for state := uint32(0); state < uint32(len(a.next)); state += row {
		behind[a.next[state+blank]] = true
	}
	for state := uint32(0); state < uint32(len(a.next)); state += row {
		if behind[state] {
			a.next[state+blank] = state
		}
	}
	return a
}

// spread puts a blank before each character of a script without spaces, where
// reading has one too: a word may begin at each of them.
func spread(word string) string {
	var b strings.Builder
	for i := range len(word) {
		if unspaced(word[i]) && i > 0 && word[i-1] != ' ' {
			b.WriteByte(' ')
		}
		b.WriteByte(word[i])
	}
	return b.String()
}

// isSign reports a byte that ends words.
func isSign(c byte) bool { return kindOf[c]&(isLower|isUpper|isWide|isDigit) == 0 }

// read notes the words before text[at:], and returns how many bytes it read.
func (s *surroundings) read(text []byte, at int) (bytes int) {
	for at < len(text) && kindOf[text[at]]&isOpen != 0 { // +1 (415) and 415 have the same
		at++
	}
	if s.made && s.at == at {
		return 0
	}
	if s.finder == nil {
		s.finder = contextFinder()
	}
	from := max(0, at-contextReach-wordReach)
	if s.void <= at {
		from = max(from, s.void)
	}
	if !s.made || s.at > at {
		s.begin(text, from)
	} else if s.at < from {
		s.resume(text, from)
	}
	bytes = at - s.at
	s.advance(text[:at])
	s.now = 0
	if a := s.finder; s.signs == 0 {
		if end := a.next[s.state+uint32(a.class[' '])]; end >= a.first {
			for _, o := range a.ended(end) {
				s.now |= 1 << o.rule
			}
		}
	}
	return bytes
}

// forget readies for another text, or for one whose beginning was dropped.
func (s *surroundings) forget() { s.made, s.void = false, 0 }

// number notes digits up to end, with nothing but signs between: enough of them
// make all words before about something else than what follows.
func (s *surroundings) number(digits, end int) {
	if digits >= maxNumber {
		s.void = end
	}
}

// begin readies for a text of which only what follows from counts.
func (s *surroundings) begin(text []byte, from int) {
	for i := range s.ends {
		s.ends[i].at = -contextReach
	}
	s.made = true
	s.resume(text, from)
}

// resume leaves out what lies between at and from, with all words before.
func (s *surroundings) resume(text []byte, from int) {
	s.at, s.floor, s.signs, s.last, s.state = from, from, 0, 0, 0
	if from == 0 || isSign(text[from-1]) {
		s.signs, s.state = 1, s.finder.next[s.finder.class[' ']]
	} else {
		s.last = kindOf[text[from-1]]
	}
}

// advance reads on to the end of text. Signs count as one blank, unless they
// are so many that the words around them do not belong together; a capital
// behind a small letter begins a word, and so does each Chinese character. Nearly all branches go one way for nearly
// all bytes: what a byte is decides arithmetic, not jumps.
func (s *surroundings) advance(text []byte) {
	a := s.finder
	next, first, blank := a.next, a.first, uint32(a.class[' '])
	state, signs, last, digits := s.state, s.signs, s.last, s.digits
	for i := s.at; i < len(text); i++ {
		c := text[i]
		k := kindOf[c]
		if k&isUpper&(last/(isLower/isUpper)) != 0 || k&isWide != 0 && signs == 0 && unspaced(c) { // camelCase, 手机号
			if state = next[state+blank]; state >= first {
				s.note(state, i, digits)
			}
		}
		last = k
		digits += int(k & isDigit)
		to := next[state+uint32(a.class[c])]
		if to >= first && to != state {
			s.note(to, i+1, digits)
		}
		state = to
		if signs = (signs + 1) & -int(signBit[c]); signs > maxSigns {
			state = next[blank]
		}
	}
	s.at, s.state, s.signs, s.last, s.digits = len(text), state, signs, last, digits
}

// signBit is 1 for the bytes that end words.
var signBit = func() (t [256]uint8) {
	for c := range t {
		if isSign(byte(c)) {
			t[c] = 1
		}
	}
	return t
}()

// note takes the words that end in a state.
func (s *surroundings) note(state uint32, end, digits int) {
	for _, o := range s.finder.ended(state) {
		s.ends[o.rule] = wordEnd{end, digits}
	}
}

// maxNumber is how many digits may stand between a word and the value that it
// is about: more are another number.
const maxNumber = 6

// nearest is how close the nearest word of the subjects from a to b stands.
func (s *surroundings) nearest(a, b subject) (near float64) {
	for ; a <= b; a++ {
		near = max(near, s.about(a))
	}
	return near
}

// about is how close the subject's nearest word stands before the value: 0
// none, to 1 right before it.
func (s *surroundings) about(a subject) float64 {
	if s.now>>a&1 == 1 {
		return 1
	}
	end := &s.ends[a]
	if end.at <= s.floor || s.at-end.at >= contextReach || s.digits-end.digits >= maxNumber {
		return 0
	}
	return 1 - float64(s.at-end.at)/(2*(contextReach+2))
}

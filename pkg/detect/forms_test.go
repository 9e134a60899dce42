package detect

import "testing"

// forms are values in the ways that people write them, and what is like them
// and is none: want is empty, or entity and value.
var forms = []struct{ text, want, value string }{
	{"server 8.8.8.8 replied", "IP_ADDRESS", "8.8.8.8"},
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
	{"under the Apache License 20040101", "", ""},
	{"license key ABCD123456", "", ""},
}

func TestForms(t *testing.T) {
	s := newSet(t, Options{})
	for _, f := range forms {
		found := s.Scan([]byte(f.text), nil)
		ok := len(found) == 0 && f.want == ""
		if len(found) == 1 {
			ok = found[0].Entity == f.want && f.text[found[0].Start:found[0].End] == f.value
		}
		if !ok {
			t.Errorf("%q: %s, want %s %q", f.text, describe(f.text, found), f.want, f.value)
		}
	}
}

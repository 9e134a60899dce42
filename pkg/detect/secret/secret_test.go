package secret

import "testing"

// TestFound holds forms of secrets, in the words people put around them,
// against the value that must be found. All values are made up.
func TestFound(t *testing.T) {
	for _, c := range found {
		var got []string
		for _, h := range scanAll(t, c.text) {
			got = append(got, c.text[h.start:h.end])
		}
		if len(got) != 1 || got[0] != c.value {
			t.Errorf("%q: found %q, want %q", c.text, got, c.value)
		}
	}
}

var found = []struct{ text, value string }{
	{"my password is Tr0ub4dor&3, please reset it", "Tr0ub4dor&3"},
	{"My password is: hunter2024!", "hunter2024!"},
	{"the password for the old server is kX9_pLm2Qa", "kX9_pLm2Qa"},
	{"Das Passwort lautet Sommer2023!", "Sommer2023!"},
	{"Mein Passwort für den Server ist gehe1m#Haus", "gehe1m#Haus"},
	{"mon mot de passe est Soleil_42!", "Soleil_42!"},
	{"mi contraseña es Gatito2021*", "Gatito2021*"},
	{"minha senha é Futebol#10x", "Futebol#10x"},
	{"la mia password è Roma1927$", "Roma1927$"},
	{"mijn wachtwoord is Fiets!2022", "Fiets!2022"},
	{"мой пароль: Zima2020!", "Zima2020!"},
	{"我的密码是Abc9876!x", "Abc9876!x"},
	{"パスワードはSakura99!です", "Sakura99!"},
	{"Password:\nS3curePa$$w0", "S3curePa$$w0"},
	{"login with user admin and password Wd9#kLq2vT", "Wd9#kLq2vT"},
	{"password: `p7Gm!x20`", "p7Gm!x20"},
	{"**Password:** Zq8!mN2x", "Zq8!mN2x"},
	{"mysql -u root -pS3cr3tSquirrel -h db1", "S3cr3tSquirrel"},
	{"mysqldump -h 10.0.0.1 -u app -p'k9!Lmn20x' shop > dump.sql", "k9!Lmn20x"},
	{"mysql --user=root --password=Fj38dk2Lq mydb", "Fj38dk2Lq"},
	{"PGPASSWORD=jK3nd92kLs psql -h db -U app", "jK3nd92kLs"},
	{"sshpass -p 'Qw3rtz!99x' ssh root@10.1.1.1", "Qw3rtz!99x"},
	{"redis-cli -h cache -a r3d1sPa55x PING", "r3d1sPa55x"},
	{"docker login -u ci -p Hk29dLw0s registry.internal", "Hk29dLw0s"},
	{"deploy --token 9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c --env prod", "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"},
	{"postgres://app:w8Kd0sLq@db.internal:5432/app", "w8Kd0sLq"},
	{"mongodb+srv://svc:9sKd%2Fw1@cluster0.ab1cd.mongodb.net/x", "9sKd%2Fw1"},
	{"redis://:kd93jslq02@cache:6379/0", "kd93jslq02"},
	{"amqps://queue:T#8/kd?92@mq.internal/vhost", "T#8/kd?92"},
	{"Server=db;Database=app;User Id=sa;Password=Yk29!dlwQ;Encrypt=true", "Yk29!dlwQ"},
	{"DB_PASS=9dkWl2msQ", "9dkWl2msQ"},
	{`{"user":"bob","password":"kd92!mWq"}`, "kd92!mWq"},
	{`{\"user\":\"bob\",\"password\":\"kd92!mWq\"}`, "kd92!mWq"},
	{`<password>kd92!mWq</password>`, "kd92!mWq"},
	{`config.setProperty("db.password", "kd92mWq81X")`, "kd92mWq81X"},
	{`const dbPassword: string = "kd92!mWq"`, "kd92!mWq"},
	{"https://api.example.org/v1?api_key=kD93mWl20sLqPz81&x=1", "kD93mWl20sLqPz81"},
	{"Authorization: Bearer kD93mWl20sLqPz81xYv72Qn", "kD93mWl20sLqPz81xYv72Qn"},
	{"Authorization: Basic YWRtaW46azkyIW1XcQ==", "YWRtaW46azkyIW1XcQ=="},
	{`-H "X-Api-Key: kD93mWl20sLqPz81xYv72Qn"`, "kD93mWl20sLqPz81xYv72Qn"},
	{"//registry.npmjs.org/:_authToken=kD93mWl2-0sLq-Pz81-xYv7-2Qn40sLqPz81", "kD93mWl2-0sLq-Pz81-xYv7-2Qn40sLqPz81"},
	{`{"auths":{"ghcr.io":{"auth":"Ym9iOmtkOTIhbVdx"}}}`, "Ym9iOmtkOTIhbVdx"},
	{"machine git.internal login bob password kd92mWq", "kd92mWq"},
	{"db.internal:5432:app:bob:kd92mWq", "kd92mWq"},
	{"CREATE USER bob IDENTIFIED BY 'kd92!mWq';", "kd92!mWq"},
	{"my api key is kD93mWl20sLqPz81xYv72Qn, is it valid?", "kD93mWl20sLqPz81xYv72Qn"},
	{"aws_secret_access_key = kD93mWl20sLqPz81xYv72Qn/kD93mWl20sLqPz8+", "kD93mWl20sLqPz81xYv72Qn/kD93mWl20sLqPz8+"},
	{"my credentials: user bob, password tTkYq!mmvs6", "tTkYq!mmvs6"},
	{`password "9SksI*wID6SC"`, "9SksI*wID6SC"},
	{"SECRET_KEY = 'django-insecure-4x&2k1p#9v!q0z7w@3m'", "django-insecure-4x&2k1p#9v!q0z7w@3m"},
	{"admin password for the router = Ptqv!VXxc90", "Ptqv!VXxc90"},
	{"the password for staging: kd92mWq8", "kd92mWq8"},
	{"the password is maple.Summer-441, please keep it", "maple.Summer-441"},
	{`ldap_bind_pw = "Monday_Summer-566"`, "Monday_Summer-566"},
	{`client.New(addr, "app", client.WithPassword("WcZf05lCJSHE6G9O"))`, "WcZf05lCJSHE6G9O"},
	{"creds: deploy:Orbitanchor9721&", "Orbitanchor9721&"},
	{"Passwort: nUcDJxRdQXvTcAtI", "nUcDJxRdQXvTcAtI"},
	{"wachtwoord: falcon.maple-792", "falcon.maple-792"},
	{"mailgun wants key-7sq4dwmhbzcmo935bxbk6tmgi81yd7ak here", "key-7sq4dwmhbzcmo935bxbk6tmgi81yd7ak"},
	{"curl -u bob:kd92mWqX https://x.internal", "bob:kd92mWqX"},
}

// TestClean holds text that only looks like it against nothing being found.
func TestClean(t *testing.T) {
	for _, text := range clean {
		for _, h := range scanAll(t, text) {
			t.Errorf("%q: found %s %q", text, h.entity, text[h.start:h.end])
		}
	}
}

var clean = []string{
	"The password is case-sensitive and must have 8 characters.",
	"Your password is encrypted with bcrypt before it is stored.",
	"password is SHA-256 hashed",
	"the token is valid for 24h",
	"The secret to good bread is time.",
	"The API key is sent in the X-Api-Key header.",
	"password: string",
	"password = getpass.getpass()",
	`password = os.environ["DB_PASSWORD"]`,
	"password: ${DB_PASSWORD}",
	"password: {{ .Values.db.password }}",
	"password: <your-password>",
	"api_key = YOUR_API_KEY",
	`apiKey: "your-api-key-here"`,
	`"password": "changeme"`,
	`password="********"`,
	"token = self.tokenizer.next_token()",
	"max_tokens: 4096",
	`const token = await getToken(user.id);`,
	`secret_name = "prod-db-credentials-v2"`,
	`key_id: 9f8a7b6c-5d4e-3f2a-1b0c-9d8e7f6a5b4c`,
	"commit 3f2a1b0c9d8e7f6a5b4c3f2a1b0c9d8e7f6a5b4c",
	`"integrity": "sha512-kD93mWl20sLqPz81xYv72QnkD93mWl20sLqPz81xYv72Qn=="`,
	"github.com/google/go-cmp v0.5.2/go.mod h1:v8dTdLbMG2kIc/vJvl+f65V22dbkXbowE6jgT/gNBxE=",
	"AKIAIOSFODNN7EXAMPLE",
	"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	"postgres://user:password@localhost:5432/db",
	"postgres://postgres:postgres@localhost:5432/db",
	"http://localhost:8080/users/@me",
	"git@github.com:org/repo.git",
	"https://example.com:8443/a@b",
	"ssh -p 2222 host",
	"mkdir -p build/output2",
	"mysql -u root -p",
	"mysql -u root -p mydb < dump.sql",
	"-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----",
	"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAn6\n-----END PUBLIC KEY-----",
	"if password != other.password2 {",
	"passwordHash: $2b$10$abcdefghijklmnopqrstuv",
	"primary_key = user2order4item",
	"the passage was 12km long",
	`<input type="password" name="pw1" id="pw2">`,
	"password1, password2 := read(), read()",
	`t.Setenv("OPENAI_API_KEY", "test-key-123")`,
	"Authorization: Bearer $TOKEN",
	"Authorization: Bearer <token>",
	"authorization: Basic realm2",
	"auth: oauth2",
	"secretKeyRef: {name: app-secret-v2, key: token}",
	`Password: "password2",`,
	`user.resetPassword("user42")`,
	`form.findPassword("signup-field-2")`,
	"the password is config.password1",
	"pw: string",
	"credentials: vault:path/to/secret",
	"creds: see vault",
	"password: camelCaseNameOfField",
	"Turn the key 90 degrees and it is open.",
	"keyboard: us-intl-104",
}

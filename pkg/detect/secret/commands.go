package secret

// forms are the forms in which people type passwords for commands, calls and
// each other, with what such a password must be. The first group is the value.
var forms = []struct {
	kinds []kind
	needs func(value []byte) bool
}{
	{commands, func(v []byte) bool {
		return !standIn(v) && v[0] != '-' && (v[0] != '!' || !isWords(v[1:])) && v[len(v)-1] != '[' && v[len(v)-1] != '(' && (!reference(v) || humanName(v))
	}},
	{sentences, func(v []byte) bool { return !standIn(v) && acceptsPassword(v, site{bound: byVerb}) }},
	{calls, func(v []byte) bool {
		return !standIn(v) && (acceptsPassword(v, site{bound: byEquals, quote: '"'}) || random(v))
	}},
}

// option is where the arguments of a command go on to one of its options.
const option = ` (?:[^\n|;]{0,160}?\s)?`

// word is an argument that is a password, in quotes or not.
const word = `['"]?([^\s'"|;<>]{3,128})`

// commands are those whose manual says that this argument is a password, and
// files of one line that does.
var commands = []kind{
	{"SSHPASS_PASSWORD", `\bsshpass\s{1,4}-p\s{0,4}['"]?([^\s'"|;<>]{3,128})`, 1.5},
	{"REDIS_PASSWORD", `\bredis-cli\s(?:[^\n|;]{0,120}?\s)?(?:-a|--pass)\s{1,4}['"]?([^\s'"|;<>]{3,128})`, 1.5},
	{"MONGO_PASSWORD", `\b(?:mongo|mongosh|mongodump|mongorestore|mongoexport|mongoimport)\s(?:[^\n|;]{0,160}?\s)?(?:-p|--password)\s{0,4}['"]?([^\s'"|;<>=-][^\s'"|;<>]{2,127})`, 1.5},
	{"LDAP_PASSWORD", `\bldap(?:search|modify|add|delete|whoami)\s(?:[^\n|;]{0,160}?\s)?-w\s{1,4}['"]?([^\s'"|;<>]{3,128})`, 1.5},
	{"SQLCMD_PASSWORD", `\b(?:sqlcmd|bcp|isql|osql)\s(?:[^\n|;]{0,160}?\s)?-P\s{0,4}['"]?([^\s'"|;<>]{3,128})`, 1.5},
	{"OPENSSL_PASSWORD", `\s-pass(?:in|out)?\s{1,4}['"]?pass:([^\s'"|;<>]{3,128})`, 1.5},
	{"KEYSTORE_PASSWORD", `\s-(?:storepass|keypass|srcstorepass|deststorepass)\s{1,4}['"]?([^\s'"|;<>]{3,128})`, 1.5},
	{"AZURE_CLI_PASSWORD", `\baz (?:[a-z][a-z-]{1,30} ){1,4}(?:[^\n|;]{0,160}?\s)?-p\s{1,4}['"]?([^\s'"|;<>]{3,128})`, 1.5},
	{"SECURE_STRING", `\bConvertTo-SecureString\s{1,4}(?:-String\s{1,4})?['"]([^'"\n]{4,128})['"]`, 1.5},
	{"JDBC_PASSWORD", `\bjdbc:oracle:(?:thin|oci):[\w$#]{1,64}/([^\s'"@/<>]{3,128})@`, 1.5},
	{"SQL_PASSWORD", `(?i)\bidentified\s{1,4}(?:with\s{1,4}[\w'"]{1,40}\s{1,4})?by\s{1,4}(?:password\s{1,4})?['"]([^'"\n]{4,128})['"]`, 1.5},
	{"SMB_PASSWORD", `\b(?:smbclient|rpcclient)\s(?:[^\n|;]{0,160}?\s)?-U\s{0,4}['"]?[\w.\\/-]{1,64}%([^\s'"|;<>]{3,128})`, 1.5},
	{"MYSQL_PASSWORD", `\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|mysqlimport|mycli)` + option + `-p['"]?([^\s'"|;<>]{3,128})`, 1.5},
	{"MYSQL_PASSWORD", `\bmysqladmin` + option + `password\s{1,4}` + word, 1.5},
	{"DOCKER_PASSWORD", `\b(?:docker|podman|nerdctl|helm registry|oras|az acr|skopeo|buildah|crane auth|oc|cf|ibmcloud)\slogin` + option + `-p\s{1,4}` + word, 1.5},
	{"NET_USE_PASSWORD", `(?i)\s/user:[\w.\\@-]{1,64}\s{1,4}['"]?([^\s'"|;<>/*][^\s'"|;<>]{3,127})`, 1.5},
	{"HTPASSWD_PASSWORD", `\bhtpasswd\s{1,4}-[cBmdspv]{0,4}b[cBmdspv]{0,4}\s{1,4}\S{1,120}\s{1,4}\S{1,64}\s{1,4}` + word, 1.5},
	{"HTPASSWD_PASSWORD", `\bhtpasswd\s{1,4}-[Bmdspnb]{0,4}(?:nb|bn)[Bmdsp]{0,4}\s{1,4}\S{1,64}\s{1,4}` + word, 1.5},
	{"USERADD_PASSWORD", `\b(?:useradd|usermod|adduser)` + option + `(?:-p|--password)\s{1,4}` + word, 1.5},
	{"ARCHIVE_PASSWORD", `\b(?:zip|unzip)` + option + `-P\s{0,4}` + word, 1.5},
	{"ARCHIVE_PASSWORD", `\b(?:7z|7za|7zr|7zz|unrar)` + option + `-h?p([^\s'"|;<>]{3,128})`, 1.5},
	{"LFTP_PASSWORD", `\blftp` + option + `-u\s{1,4}['"]?[\w.@\\-]{1,64},([^\s'"|;<>]{3,128})`, 1.5},
	{"RDP_PASSWORD", `\b[xw]freerdp3?` + option + `/p:['"]?([^\s'"|;<>]{3,128})`, 1.5},
	{"RDP_PASSWORD", `\brdesktop` + option + `-p\s{1,4}` + word, 1.5},
	{"SNMP_PASSWORD", `\bsnmp(?:walk|get|set|bulkwalk|bulkget|getnext|trap|status|table)` + option + `-[AX]\s{1,4}` + word, 1.5},
	{"IMPACKET_PASSWORD", `\b(?:impacket-\w{2,20}|(?:psexec|smbexec|wmiexec|atexec|dcomexec|secretsdump|smbclient|GetUserSPNs|GetNPUsers|mssqlclient)\.py)` + option + `['"]?(?:[\w.-]{1,40}/)?[\w.-]{1,64}:([^\s'"@]{3,128})@`, 1.5},
	{"RABBITMQ_PASSWORD", `\brabbitmqctl` + option + `(?:add_user|change_password|authenticate_user)\s{1,4}['"]?[\w.@-]{1,64}['"]?\s{1,4}` + word, 1.5},
	{"MINIO_SECRET", `\bmc\s(?:alias\sset|config\shost\sadd)\s{1,4}\S{1,40}\s{1,4}['"]?https?://\S{1,100}\s{1,4}\S{1,64}\s{1,4}` + word, 1.5},
	{"CYPHER_PASSWORD", `\bcypher-shell` + option + `-p\s{1,4}` + word, 1.5},
	{"IPMI_PASSWORD", `\bipmitool` + option + `-P\s{1,4}` + word, 1.5},
	{"MQTT_PASSWORD", `\bmosquitto_(?:pub|sub|rr)` + option + `-P\s{1,4}` + word, 1.5},
	{"PSEXEC_PASSWORD", `(?i)\bpsexec(?:64)?(?:\.exe)?` + option + `-p\s{1,4}` + word, 1.5},
	{"REDIS_CONFIG_PASSWORD", `\b(?:requirepass|masterauth)\s{1,4}["']?([^\s'"|;<>]{3,128})`, 1.5},
	{"CISCO_PASSWORD", `\b(?:password|secret)\s0\s{1,2}(\S{4,64})`, 1.5},
	{"WIFI_PSK", `\bpsk\s{0,2}=\s{0,2}"([^"\n]{8,63})"`, 1.5},
	{"CHPASSWD_PASSWORD", `\becho (?:-[en]\s{1,2})?['"]?[\w.-]{1,32}:([^\s'"|;<>]{3,128})['"]?\s{0,4}\|\s{0,4}(?:sudo\s{1,4})?chpasswd\b`, 1.5},
	{"WINRS_PASSWORD", `(?i)\bwinr[sm]` + option + `[-/]p(?:assword)?:['"]?([^\s'"|;<>]{3,128})`, 1.5},
	{"OPENSSL_PASSWORD", `\bopenssl enc` + option + `-k\s{1,4}` + word, 1.5},
	{"JENKINS_PASSWORD", `\bjenkins-cli\.jar` + option + `-auth\s{1,4}['"]?[\w.@-]{1,64}:([^\s'"|;<>]{3,128})`, 1.5},
	{"SQLPLUS_PASSWORD", `\b(?:sqlplus|sqlldr|expdp|impdp|sqlcl)` + option + `['"]?[\w$#]{1,64}/["']?([^\s'"@/|;<>]{3,128})@`, 1.5},
	{"NETRC_PASSWORD", `\bmachine\s{1,4}[\w.-]{1,80}\s{1,20}login\s{1,4}\S{1,80}\s{1,20}password\s{1,4}(\S{3,128})`, 1.5},
	{"INFLUX_PASSWORD", `\binflux` + option + `-p\s{1,4}` + word, 1.5},
	{"MQTT_PASSWORD", `\bmqttx` + option + `-P\s{1,4}` + word, 1.5},
	{"NET_USE_PASSWORD", `(?i)\bnet use (?:[a-z]: )?\\\\\S{2,80} ["']?([^\s'"|;<>/*][^\s'"|;<>]{3,127})["']? /user:`, 1.5},
	{"GH_SECRET", `\bgh (?:secret|variable) set \w{1,64} (?:[^\n|;]{0,80}? )?(?:--body|-b)[ =]` + word, 1.5},
	{"PROXY_PASSWORD", `\blogin=[\w.@-]{1,64}:([^\s'"|;<>]{3,128})`, 1.5},
	{"SMTP_PASSWORD", `\]:(?:25|465|587|2525)\s{1,8}[\w.@+-]{1,80}:([^\s'"|;<>]{3,128})`, 1.5},
	{"SQLPLUS_PASSWORD", `\b(?:sqlldr|expdp|impdp)\s{1,4}['"]?[\w$#]{1,64}/["']?([^\s'"@/|;<>]{3,128})\s`, 1.5},
	{"EXPECT_PASSWORD", `\bexpect (?:"|\{|-re |-exact |-ex )[^\n]{0,40}?(?:assword|assphrase)[^\n]{0,24}[\n;]\s{0,16}send\s{1,4}(?:--\s{1,4})?"([^"\\\n]{3,128})\\[rn]`, 1.5},
	{"OPENVPN_PASSWORD", `<auth-user-pass>\s{1,4}\S{1,80}\s{0,2}\n\s{0,4}([^\s<]{3,128})`, 1.5},
	{"HAPROXY_PASSWORD", `\binsecure-password\s{1,4}` + word, 1.5},
	{"HAPROXY_PASSWORD", `\bstats auth\s{1,4}[\w.@-]{1,64}:` + word, 1.5},
	{"HTTPIE_PASSWORD", `\bhttps? (?:-a|--auth)[ =]['"]?[\w.@-]{1,64}:([^\s'"|;<>]{3,128})`, 1.5},
	{"KICKSTART_PASSWORD", `\brootpw (?:--plaintext )?` + word, 1.5},
	{"CADDY_PASSWORD", `\bcaddy hash-password` + option + `(?:--plaintext|-p)[ =]` + word, 1.5},
	{"WIFI_PSK", `\bwpa_passphrase\s{1,4}(?:"[^"\n]{1,32}"|\S{1,32})\s{1,4}` + word, 1.5},
	{"WIFI_PSK", `\bnmcli` + option + `password\s{1,4}` + word, 1.5},
	{"SNMP_PASSWORD", `(?i)\bsnmp-server user [^\n]{1,80}? auth (?:md5|sha|sha256)\s{1,4}` + word, 1.5},
	{"FILE_PASSWORD", `--password-file[ =]<\((?:echo|printf) ['"]?([^\s'"|;<>)]{3,128})`, 1.5},
	{"STORED_SECRET", `\baz keyvault secret set` + option + `--value[ =]` + word, 1.5},
	{"STORED_SECRET", `\baws secretsmanager (?:create-secret|put-secret-value|update-secret)` + option + `--secret-string[ =]['"]?([^\s'"|;<>{][^\s'"|;<>]{2,127})`, 1.5},
	{"MOUNT_PASSWORD", `\bmount[\w.]{0,6}` + option + `-o\s{1,4}[^\s]{0,80}?\bpass(?:word)?=([^\s'"|;<>,]{3,128})`, 1.5},
}

// sentences are commands and sayings whose other words are common ones: what
// stands where a password would must look like one.
var sentences = []kind{
	{"NET_USER_PASSWORD", `(?i)\bnet user ["']?[\w.-]{1,64}["']?\s{1,3}['"]?([^\s'"|;<>/*][^\s'"|;<>]{2,127})`, 1.5},
	{"STDIN_PASSWORD", `\b(?:echo|printf) (?:-[en]\s{1,2})?['"]?([^\s'"|;<>]{3,128})['"]?\s{0,4}\|\s{0,4}(?:sudo\s{1,4}(?:-\w{1,8}\s{1,4}){0,2}-\w{0,4}S\b|(?:sudo\s{1,4})?(?:passwd\s{1,4}--stdin|kinit\s|cryptsetup\s|smbpasswd\s|[^\n|]{3,80}--(?:password-stdin|passwd-on-stdin|passphrase-stdin|stdin-password)|docker secret create|gpg\s[^\n|]{0,80}--passphrase-fd))`, 1.5},
	{"LOGIN_PASSWORD", `(?i)\b(?:log in|login|log-in|logged in|log on|logon|logged on|sign in|signed in|sign-in) (?:to [\w./-]{1,60} )?(?:with|using|as) (?:user |account )?['"\x60]?[\w.@-]{2,64}['"\x60]?\s?[/:]\s?['"\x60]?([^\s'"\x60|;<>]{4,128})`, 1.5},
	{"LOGIN_PASSWORD", `(?i)\b(?:login|user|username|account|access): ['"\x60]?[\w.@-]{2,64}['"\x60]?\s/\s['"\x60]?([^\s'"\x60|;<>]{4,128})`, 1.5},
	{"LOGIN_PASSWORD", `(?i)\b(?:zugangsdaten|anmeldedaten|logindaten|identifiants?|credenciales|credenziali|inloggegevens)\s?:\s{0,2}['"\x60]?[\w.@-]{2,64}['"\x60]?\s?[/:]\s?['"\x60]?([^\s'"\x60|;<>]{4,128})`, 1.5},
	{"LOGIN_PASSWORD", `(?i)\b(?:user|username|login) / (?:pass|password|passwd|pwd|pw)\s?[:=]\s{0,2}['"\x60]?[\w.@-]{2,64}['"\x60]?\s{0,2}[/:,]\s{0,2}['"\x60]?([^\s'"\x60|;<>]{4,128})`, 1.5},
	{"PGPASS_PASSWORD", `\b(?:5432|3306|5433|6432|26257|1433):[\w*-]{1,64}:[\w.-]{1,64}:([^\s:'"\x60<>]{4,128})`, 1.5},
	{"SQL_PASSWORD", `(?i)\bset\s{1,2}password\s{1,2}(?:for\s{1,2}\S{1,80}\s{1,2})?=\s{0,2}(?:password\()?['"]([^'"\n]{4,128})['"]`, 1.5},
}

// quoted is a string of a program, and next what leads to one behind it.
const (
	quoted = `["'][^"'\n]{1,64}["']`
	next   = `\s{0,2},\s{0,4}`
	last   = next + `["']([^"'\n]{4,128})["']`
)

// calls are functions of libraries that are given a user's name and a password.
var calls = []kind{
	{"CALL_PASSWORD", `\b(?:HTTPBasicAuth|HTTPDigestAuth|BasicAuth|WiFi\.begin|SetBasicAuth|basicAuth|withBasicAuth|UserPassword|UsernamePasswordCredentials|UsernamePasswordCredential|PasswordCredential|NetworkCredential|PasswordAuthentication|BasicCredentials|BasicAWSCredentials|setCredentials|addCredentials|auth_basic)\(\s{0,4}` + quoted + last, 1.5},
	{"CALL_PASSWORD", `\b(?:login\(|authenticate\(|sign_in\(|signIn\()` + quoted + last, 1.5},
	{"FIELD_PASSWORD", `\b(?:type|fill|setValue|sendKeys|send_keys)\(\s?["'\x60][^"'\x60\n]{0,40}?[Pp]ass(?:word|wd)?["'\]]{1,3}` + next + `["'\x60]([^"'\x60\n]{4,128})["'\x60]`, 1.5},
	{"FIELD_PASSWORD", `(?i)(?:password"\)|password'\)|password\]'\)|password\]"\)|password"\]'\))\.(?:send_keys|sendKeys|type|fill|setValue|set_value|set|val)\(\s?["']([^"'\n]{4,128})["']`, 1.5},
	{"CALL_PASSWORD", `\b(?:cx_Oracle|oracledb)\.connect\(\s?` + quoted + last, 1.5},
	{"CALL_PASSWORD", `\b(?:FTP|FTP_TLS|DBI->connect|ftp_connect)\(\s?["'][^"'\n]{1,120}["']` + next + quoted + last, 1.5},
	{"CALL_PASSWORD", `\bauth\s?[=:]\s?[(\[]\s?` + quoted + last, 1.5},
	{"CALL_PASSWORD", `\b(?:mysqli|mysqli_connect|mysql_connect|getConnection|PlainAuth|PDO|ftp_login|ssh2_auth_password|imap_open|oci_connect|ldap_bind|ConnectServer)\((?:[^"'\n(),]{0,40}|["'][^"'\n]{0,120}["'])` + next + quoted + last, 1.5},
}

//! Secrets drawn at random in the shapes that their issuers document, each written down here without a look
//! at the patterns that find them.
//!
//! A template draws `{x16}` as sixteen bytes of a class: `a` letters and digits, `u` upper case and digits, `l`
//! lower case and digits, `h` hex, `b` base64, `w` base64 for URLs, `n` digits. No secret stands here in full.

use crate::change::secrets::tests::dice::Dice;

/// A kind, and how its issuer's secrets look.
pub(super) const SHAPED: &[(&str, &[&str])] = &[
    ("aws_access_key_id", &["AKIA{u16}", "ASIA{u16}"]),
    ("aws_bedrock_key", &["ABSK{b128}"]),
    ("aws_mws_key", &["amzn.mws.{h8}-{h4}-4{h3}-a{h3}-{h12}"]),
    ("gcp_api_key", &["AIza{w35}"]),
    ("gcp_oauth_secret", &["GOCSPX-{w28}"]),
    ("gcp_oauth_token", &["ya29.{w120}"]),
    (
        "azure_account_key",
        &["DefaultEndpointsProtocol=https;AccountName=box;AccountKey={b86}==;EndpointSuffix=core"],
    ),
    (
        "azure_shared_access_key",
        &["Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey={b43}="],
    ),
    ("azure_sas_signature", &["https://box.blob.core.windows.net/c?sv=2022-11-02&sp=r&sig={a42}%3D"]),
    ("azure_client_secret", &["{a3}8Q~{a34}"]),
    ("github_token", &["ghp_{a36}", "gho_{a36}", "ghs_{a36}", "ghu_{a36}"]),
    ("github_fine_grained_token", &["github_pat_{a22}_{a59}"]),
    ("gitlab_token", &["glpat-{w20}"]),
    ("gitlab_runner_token", &["glrt-{w20}", "GR1348941{w20}"]),
    ("gitlab_deploy_token", &["gldt-{w20}", "glptt-{h40}"]),
    ("slack_token", &["xoxb-{n12}-{n12}-{a24}", "xoxp-{n12}-{n12}-{n12}-{h32}"]),
    ("slack_app_token", &["xapp-1-A{u10}-{n13}-{h64}"]),
    ("slack_webhook", &["https://hooks.slack.com/services/T{u8}/B{u10}/{a24}"]),
    ("stripe_key", &["sk_live_{a24}", "rk_live_{a99}", "sk_test_{a24}"]),
    ("stripe_webhook_secret", &["whsec_{a32}"]),
    ("twilio_api_key", &["SK{h32}"]),
    ("sendgrid_key", &["SG.{w22}.{w43}"]),
    ("mailgun_key", &["key-{h32}"]),
    ("mailchimp_key", &["{h32}-us12"]),
    ("npm_token", &["npm_{a36}"]),
    ("pypi_token", &["pypi-AgEIcHlwaS5vcmc{w120}"]),
    ("rubygems_key", &["rubygems_{h48}"]),
    ("crates_io_token", &["cio{a32}"]),
    ("docker_hub_token", &["dckr_pat_{w27}"]),
    ("digitalocean_token", &["dop_v1_{h64}"]),
    ("heroku_key", &["HRKU-{h8}-{h4}-{h4}-{h4}-{h12}"]),
    ("shopify_token", &["shpat_{h32}", "shpss_{h32}"]),
    ("square_token", &["sq0atp-{w22}", "sq0csp-{w43}"]),
    ("vault_token", &["hvs.{w90}", "hvb.{w150}"]),
    ("terraform_cloud_token", &["{a14}.atlasv1.{a67}"]),
    ("grafana_token", &["glsa_{a32}_{h8}", "glc_{b100}"]),
    ("new_relic_key", &["NRAK-{u27}"]),
    ("telegram_bot_token", &["{n10}:AA{w33}"]),
    ("discord_webhook", &["https://discord.com/api/webhooks/{n18}/{w68}"]),
    ("openai_key", &["sk-proj-{w48}", "sk-svcacct-{w60}"]),
    ("anthropic_key", &["sk-ant-api03-{w93}AA"]),
    ("hugging_face_token", &["hf_{a34}"]),
    ("databricks_token", &["dapi{h32}"]),
    ("linear_key", &["lin_api_{a40}"]),
    ("postman_key", &["PMAK-{h24}-{h34}"]),
    ("atlassian_token", &["ATATT3xFfGF0{w176}", "ATBB{a32}"]),
    ("sentry_token", &["sntrys_{b100}", "sntryu_{h64}"]),
    ("sonarqube_token", &["sqp_{h40}", "squ_{h40}"]),
    ("artifactory_key", &["AKCp{a69}"]),
    ("planetscale_password", &["pscale_pw_{w43}", "pscale_tkn_{w43}"]),
    ("doppler_token", &["dp.pt.{a43}", "dp.st.prd.{a43}"]),
    ("facebook_token", &["EAACEdEose0cBA{a80}"]),
    ("cloudflare_origin_key", &["v1.0-{h24}-{h146}"]),
    ("pulumi_token", &["pul-{h40}"]),
    ("age_secret_key", &["AGE-SECRET-KEY-1{u58}"]),
    ("jwt", &["eyJhbGciOiJIUzI1NiJ9.eyJ{w60}.{w43}"]),
    ("crypt_hash", &["$2b$12${a53}", "$6$rounds=5000${a16}${a86}", "$1${a8}${a22}"]),
    ("bearer_token", &["Authorization: Bearer {w40}"]),
    ("basic_auth_header", &["Authorization: Basic {b28}"]),
    (
        "basic_auth_url",
        &["postgres://app:{a20}@db.example.org:5432/app", "https://ci:{a12}@git.example.org/x.git"],
    ),
    ("sentry_dsn", &["https://{h32}@o123.ingest.example.org/45"]),
    ("gcp_private_key_id", &["\"private_key_id\": \"{h40}\""]),
    ("high_entropy", &["{a40}", "{b44}=", "{w64}", "{a32}"]),
    (
        "command_password",
        &[
            "curl -u deploy:{a12} https://a.example.org/",
            "mysqldump -h db -u backup -p{a12} shop",
            "sshpass -p {a10}{n2} ssh web",
            "redis-cli -a {a16} ping",
        ],
    ),
];

/// Names of keys whose value is a secret, as they stand in configuration.
pub(super) const NAMED: &[(&str, &[&str])] = &[
    (
        "password",
        &[
            "password",
            "db_password",
            "DB_PASSWORD",
            "mysql.root.password",
            "adminPassword",
            "redis_passwd",
            "spring.datasource.password",
            "POSTGRES_PASSWORD",
            "smtp-password",
            "keystore_pass",
            "passphrase",
            "userPwd",
        ],
    ),
    (
        "assigned_secret",
        &[
            "secret", "client_secret", "clientSecret", "SECRET_KEY", "secret_key_base", "api_key", "apiKey",
            "API_TOKEN", "auth_token", "accessToken", "aws_secret_access_key", "signing_key",
            "encryption-key", "private_key", "webhook_secret", "jwtSecret",
        ],
    ),
];

/// How the values of such keys look: what people choose, and what machines draw.
pub(super) const VALUES: &[(&str, &[&str])] = &[
    (
        "password",
        &[
            "hunter{n2}{a3}", "{a12}", "{a8}", "{l16}", "S{l6}!{n3}", "{a10}#{a4}", "{n8}", "{l9}{n1}",
            "{h32}",
        ],
    ),
    ("assigned_secret", &["{a32}", "{h40}", "{b43}=", "{w48}", "{l24}", "{a20}", "{h32}", "{h64}"]),
];

/// Private keys over many lines: header, and how one line of their body looks.
pub(super) const KEY_BLOCKS: &[&str] = &[
    "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
    "PRIVATE KEY", "PGP PRIVATE KEY BLOCK",
];

/// Where a secret of a shape of its own may stand; `@` is the secret. No name beside it helps.
pub(super) const AROUND: &[(&str, &str)] = &[
    ("yaml", "service:\n  value: @\n  retries: 3\n"),
    ("yaml, quoted", "  value: \"@\" # set by hand\n"),
    ("yaml list", "args:\n  - --value=@\n  - --verbose\n"),
    ("json", "{\"name\": \"web\", \"value\": \"@\", \"n\": 3}\n"),
    ("ini", "[web]\nvalue = @\n"),
    ("env", "export VALUE=@\n"),
    ("url query", "url: https://api.example.org/v1/items?value=@\n"),
    ("php", "$conf['value'] = '@';\n"),
    ("hcl", "  value = \"@\"\n"),
    ("xml", "<value>@</value>\n"),
    ("command", "curl -s -H 'x-value: @' https://api.example.org/\n"),
    ("comment", "# was @ until May\n"),
    ("sentence", "rotate the one that leaked (@), please\n"),
    ("diff", "-value: old\n+value: @\n"),
];

/// Where a named value may stand; `%` is the key, `@` the secret.
pub(super) const AROUND_NAMED: &[(&str, &str)] = &[
    ("yaml", "  %: @\n"),
    ("yaml, quoted", "  %: \"@\"\n"),
    ("json", "{\"%\": \"@\", \"n\": 3}\n"),
    ("json, tight", "{\"n\":3,\"%\":\"@\"}\n"),
    ("ini", "% = @\n"),
    ("properties", "%=@\n"),
    ("env", "export %='@'\n"),
    ("flag", "run --%=@ --verbose\n"),
    ("php", "'%' => '@',\n"),
    ("hcl", "  % = \"@\"\n"),
    ("url query", "https://api.example.org/v1?n=3&%=@&m=4\n"),
    ("diff", "+    %: @\n"),
];

/// A secret in a text, and the drawn parts of it that must not survive.
pub(super) struct Planted {
    pub(super) text: String,
    pub(super) drawn: Vec<String>,
}

/// Puts a secret drawn after a template into a place.
pub(super) fn plant(around: &str, template: &str, dice: &mut Dice) -> Planted {
    let (secret, drawn) = draw(template, dice);
    Planted { text: around.replace('@', &secret), drawn }
}

/// A key block of ten lines, in one of the ways that files hold it.
pub(super) fn plant_block(name: &str, way: usize, dice: &mut Dice) -> Planted {
    let lines: Vec<String> = (0..10).map(|_| dice.text('b', 64)).collect();
    let (begin, end) = (format!("-----BEGIN {name}-----"), format!("-----END {name}-----"));
    let block = |indent: &str, between: &str| {
        let body = lines.iter().map(|line| format!("{between}{indent}{line}")).collect::<String>();
        format!("{begin}{body}{between}{indent}{end}")
    };
    let text = match way {
        0 => format!("{}\n", block("", "\n")),
        1 => format!("key: |\n  {}\nafter: 3\n", block("  ", "\n")),
        2 => format!("{{\"key\": \"{}\", \"n\": 3}}\n", block("", "\\n")),
        3 => format!("{}\r\n", block("", "\r\n")),
        4 => format!("KEY=\"{}\"\n", block("", "\n")),
        // As a diff shows it, and cut off before its end.
        5 => format!("+{}\n", block("+", "\n")),
        _ => block("", "\n").split("-----END").next().unwrap_or("").to_owned(),
    };
    Planted { text, drawn: lines }
}

pub(super) const N_BLOCK_WAYS: usize = 7;

/// Braces that hold no class and length are braces.
fn draw(template: &str, dice: &mut Dice) -> (String, Vec<String>) {
    let (mut text, mut drawn) = (String::new(), Vec::new());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let part = after.split_once('}').and_then(|(part, later)| Some((class_and_len(part)?, later)));
        let Some(((class, len), later)) = part else {
            text.push('{');
            rest = after;
            continue;
        };
        let random = dice.text(class, len);
        text.push_str(&random);
        drawn.push(random);
        rest = later;
    }
    text.push_str(rest);
    (text, drawn)
}

fn class_and_len(part: &str) -> Option<(char, usize)> {
    let class = part.chars().next().filter(|class| "aulhbwn".contains(*class))?;
    Some((class, part.get(1..)?.parse().ok()?))
}

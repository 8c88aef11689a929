/* What is never a secret: places, placeholders and well-known names. From gitleaks' default rules
 * (MIT, see LICENSE.gitleaks). */
#include "secrets.h"

/* clang-format off */
const char secret_free_paths[] =
    "(?:gitleaks\\.toml)"
    "|(?:(?i)\\.(?:bmp|gif|jpe?g|png|svg|tiff?)$)"
    "|(?:(?i)\\.(?:eot|[ot]tf|woff2?)$)"
    "|(?:(?i)\\.(?:docx?|xlsx?|pdf|bin|socket|vsidx|v2|suo|wsuo|.dll|pdb|exe|gltf)$)"
    "|(?:go\\.(?:mod|sum|work(?:\\.sum)?)$)"
    "|(?:(?:^|/)vendor/modules\\.txt$)"
    "|(?:(?:^|/)vendor/(?:github\\.com|golang\\.org/x|google\\.golang\\.org|gopkg\\.in|istio\\.io|k8s\\.io|sigs\\.k8s\\.io)(?:/.*)?$)"
    "|(?:(?:^|/)gradlew(?:\\.bat)?$)"
    "|(?:(?:^|/)gradle\\.lockfile$)"
    "|(?:(?:^|/)mvnw(?:\\.cmd)?$)"
    "|(?:(?:^|/)\\.mvn/wrapper/MavenWrapperDownloader\\.java$)"
    "|(?:(?:^|/)node_modules(?:/.*)?$)"
    "|(?:(?:^|/)(?:deno\\.lock|npm-shrinkwrap\\.json|package-lock\\.json|pnpm-lock\\.yaml|yarn\\.lock)$)"
    "|(?:(?:^|/)bower_components(?:/.*)?$)"
    "|(?:(?:^|/)(?:angular|bootstrap|jquery(?:-?ui)?|plotly|swagger-?ui)[a-zA-Z0-9.-]*(?:\\.min)?\\.js(?:\\.map)?$)"
    "|(?:(?:^|/)javascript\\.json$)"
    "|(?:(?:^|/)(?:Pipfile|poetry)\\.lock$)"
    "|(?:(?i)(?:^|/)(?:v?env|virtualenv)/lib(?:64)?(?:/.*)?$)"
    "|(?:(?i)(?:^|/)(?:lib(?:64)?/python[23](?:\\.\\d{1,2})+|python/[23](?:\\.\\d{1,2})+/lib(?:64)?)(?:/.*)?$)"
    "|(?:(?i)(?:^|/)[a-z0-9_.]+-[0-9.]+\\.dist-info(?:/.+)?$)"
    "|(?:(?:^|/)vendor/(?:bundle|ruby)(?:/.*?)?$)"
    "|(?:\\.gem$)"
    "|(?:verification-metadata\\.xml)"
    "|(?:Database.refactorlog)"
    "|(?:(?:^|/)\\.git$)";

const char secret_placeholders[] =
    "(?:(?i)^true|false|null$)"
    "|(?:^(?i:a+|b+|c+|d+|e+|f+|g+|h+|i+|j+|k+|l+|m+|n+|o+|p+|q+|r+|s+|t+|u+|v+|w+|x+|y+|z+|\\*+|\\.+)$)"
    "|(?:^\\$(?:\\d+|{\\d+})$)"
    "|(?:^\\$(?:[A-Z_]+|[a-z_]+)$)"
    "|(?:^\\${(?:[A-Z_]+|[a-z_]+)}$)"
    "|(?:^\\{\\{[ \\t]*[\\w ().|]+[ \\t]*}}$)"
    "|(?:^\\$\\{\\{[ \\t]*(?:(?:env|github|secrets|vars)(?:\\.[A-Za-z]\\w+)+[\\w \"'&./=|]*)[ \\t]*}}$)"
    "|(?:^%(?:[A-Z_]+|[a-z_]+)%$)"
    "|(?:^%[+\\-# 0]?[bcdeEfFgGoOpqstTUvxX]$)"
    "|(?:^\\{\\d{0,2}}$)"
    "|(?:^@(?:[A-Z_]+|[a-z_]+)@$)"
    "|(?:^/Users/(?i)[a-z0-9]+/[\\w .-/]+$)"
    "|(?:^/(?:bin|etc|home|opt|tmp|usr|var)/[\\w ./-]+$)"
    "|(?:014df517-39d1-4453-b7b3-9930c563627c)"
    "|(?:abcdefghijklmnopqrstuvwxyz)";

/* Names around a generic find that tell it is none. */
const char secret_free_names[] =
    "(?i)(?:access(?:ibility|or)|access[_.-]?id|random[_.-]?access|api[_.-]?(?:id|name|version)|rapid|capital|[a-z0"
    "-9-]*?api[a-z0-9-]*?:jar:|author|X-MS-Exchange-Organization-Auth|Authentication-Results|(?:credentials?[_.-]?i"
    "d|withCredentials)|(?:bucket|foreign|hot|idx|natural|primary|pub(?:lic)?|schema|sequence)[_.-]?key|(?:turkey)|"
    "key[_.-]?(?:alias|board|code|frame|id|length|mesh|name|pair|press(?:ed)?|ring|selector|signature|size|stone|st"
    "oretype|word|up|down|left|right)|key[_.-]?vault[_.-]?(?:id|name)|keyVaultToStoreSecrets|key(?:store|tab)[_.-]?"
    "(?:file|path)|issuerkeyhash|(?-i:[DdMm]onkey|[DM]ONKEY)|keying|(?:secret)[_.-]?(?:length|name|size)|UserSecret"
    "sId|(?:csrf)[_.-]?token|(?:io\\.jsonwebtoken[ \\t]?:[ \\t]?[\\w-]+)|(?:api|credentials|token)[_.-]?(?:endpoint|ur["
    "il])|public[_.-]?token|(?:key|token)[_.-]?file|(?-i:(?:[A-Z_]+=\\n[A-Z_]+=|[a-z_]+=\\n[a-z_]+=)(?:\\n|\\z))|(?-i:("
    "?:[A-Z.]+=\\n[A-Z.]+=|[a-z.]+=\\n[a-z.]+=)(?:\\n|\\z)))";

const char secret_free_lines[] =
    "--mount=type=secret,|import[ \\t]+{[ \\t\\w,]+}[ \\t]+from[ \\t]+['\"][^'\"]+['\"]|LIC_FILES_CHKSUM[^=]*=\\s*\"[^\"]+";
/* clang-format on */

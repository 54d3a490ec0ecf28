<?php
// A PHP page behind Holdfast: php -S 127.0.0.1:$PORT page.php
const LEEWAY = 30;

function decode(string $text): string
{
    return (string) base64_decode(strtr($text, '-_', '+/'), true);
}

/** Where nobody else can put keys of theirs: a folder of this user alone. Null where there can be none; then nothing is kept. */
function ownFolder(): ?string
{
    $probe = @tmpfile();
    if ($probe === false) {
        return null;
    }
    $me = fstat($probe)['uid'];
    $folder = sys_get_temp_dir() . "/holdfast-$me";
    @mkdir($folder, 0700);
    $found = @lstat($folder);
    return $found && $found['uid'] === $me && ($found['mode'] & 0170077) === 0040000 ? $folder : null;
}

/** The published keys by their ids, kept in a file for five minutes; if Holdfast is away, the last ones. */
function keys(string $issuer): array
{
    $folder = ownFolder();
    $file = "$folder/" . hash('sha256', $issuer) . '.json';
    $kept = $folder !== null && is_file($file) ? (string) file_get_contents($file) : '';
    if ($kept === '' || time() - filemtime($file) >= 300) {
        $context = stream_context_create(['http' => ['timeout' => 2, 'follow_location' => 0]]);
        $read = @file_get_contents("$issuer/.well-known/holdfast-keys.json", false, $context);
        if ($read !== false && is_array(json_decode($read, true)['keys'] ?? null)) {
            $kept = $read;
            if ($folder !== null) {
                file_put_contents("$file." . getmypid(), $read);
                rename("$file." . getmypid(), $file);
            }
        }
    }
    return array_column(json_decode($kept, true)['keys'] ?? [], null, 'kid');
}

/** The claims of a good assertion, or null. */
function whoIs(string $assertion, string $issuer, string $application, array $keys): ?array
{
    $parts = explode('.', $assertion);
    if (count($parts) !== 3) {
        return null;
    }
    [$head, $claims, $signature] = array_map('decode', $parts);
    $header = json_decode($head, true);
    $key = is_string($header['kid'] ?? null) ? decode($keys[$header['kid']]['x'] ?? '') : '';
    if (($header['alg'] ?? '') !== 'EdDSA' || ($header['typ'] ?? '') !== 'holdfast-assertion+jwt' || isset($header['crit'])) {
        return null;
    }
    if (strlen($key) !== SODIUM_CRYPTO_SIGN_PUBLICKEYBYTES || strlen($signature) !== SODIUM_CRYPTO_SIGN_BYTES) {
        return null;
    }
    if (!sodium_crypto_sign_verify_detached($signature, "$parts[0].$parts[1]", $key)) {
        return null;
    }
    $person = json_decode($claims, true);
    $inTime = time() < ($person['exp'] ?? 0) + LEEWAY && time() > ($person['iat'] ?? PHP_INT_MAX) - LEEWAY;
    return $person['iss'] === $issuer && $person['aud'] === $application && $inTime ? $person : null;
}

[$issuer, $application] = [(string) getenv('HOLDFAST'), (string) getenv('APPLICATION')];
$keys = keys($issuer);
$person = whoIs($_SERVER['HTTP_HOLDFASTASSERTION'] ?? '', $issuer, $application, $keys);
if ($person === null) {
    http_response_code($keys === [] ? 503 : 401);
    exit();
}
header('Content-Type: text/plain; charset=utf-8');
echo 'Hello ' . $person['email'];

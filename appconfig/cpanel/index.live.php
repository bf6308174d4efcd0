<?php
// cPanel's bridge to Origin Pulls: hands one request of an account to the web service's account
// socket, and puts its answer into Jupiter's frame or passes it on as it is. Who is asking the
// service learns from the kernel alone: this script runs as the account, so nothing it says counts.
// Written for PHP 7.4 and newer: what a panel's own PHP cannot parse would be a blank page.
const SERVICE = '/run/origin-pulls/account/web.sock';
const PATIENCE = 30;       // seconds until the page or the answer's head is there; then for each part
const UPLOAD = 1048576;    // bytes of a request's body
const PAGE = 4194304;      // bytes of a page that goes into the frame
const HEAD = 65536;        // bytes of an answer's head

ini_set('display_errors', '0');
header_remove('X-Powered-By');
ob_start();
$cpanel = null;
try { // Opened before any output and closed at the end: else cPanel writes an error below the page.
    $cpanel = (@include '/usr/local/cpanel/php/cpanel.php') ? new CPANEL() : null;
} catch (Throwable $missing) {
    error_log('originpulls: no LiveAPI: ' . $missing->getMessage());
}
try { serve($cpanel); } catch (Throwable $why) { failed($cpanel, $why); }
for (; ob_get_level() > 0; ob_end_flush());
try { $cpanel === null or $cpanel->end(); } catch (Throwable $open) { error_log('originpulls: LiveAPI did not close: ' . $open->getMessage()); }
exit(0);

function serve($cpanel): void {
    $said = fn(string $name): string => (string) ($_SERVER[$name] ?? '');
    [$method, $query, $type] = [$said('REQUEST_METHOD') ?: 'GET', $said('QUERY_STRING'), $said('CONTENT_TYPE')];
    $length = $method === 'POST' ? $said('CONTENT_LENGTH') : '0';
    in_array($method, ['GET', 'HEAD', 'POST'], true) or refuse(405, 'Origin Pulls takes GET, HEAD and POST.');
    preg_match('/\A[0-9]{1,15}\z/', $length) or refuse(411, 'The request does not say how long it is.');
    (int) $length <= UPLOAD or refuse(413, 'Origin Pulls takes no more than 1 MiB at once.');
    preg_match('/\A[\x21-\x7e]{0,4000}\z/', $query) or refuse(400, 'The address of this page cannot be read.');
    stripos($type, 'multipart/') !== 0 or refuse(415, 'Origin Pulls takes no files here.'); // PHP swallows them
    $body = $method === 'POST' ? (string) file_get_contents('php://input', false, null, 0, (int) $length) : '';
    strlen($body) === (int) $length or lost('The request broke off in the middle.');
    $headers = ['X-Origin-Pulls-Address' => $said('REMOTE_ADDR'), 'Host' => $said('HTTP_HOST'),
        'Origin' => $said('HTTP_ORIGIN'), 'Sec-Fetch-Site' => $said('HTTP_SEC_FETCH_SITE')];
    $headers += $method === 'POST' ? ['Content-Type' => $type, 'Content-Length' => $length] : [];
    $text = "$method /?$query HTTP/1.0\r\n";
    $safe = preg_grep('/\A[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?\z/', $headers);
    foreach ($safe as $name => $value) { $text .= "$name: $value\r\n"; }
    function_exists('stream_socket_client') or lost('It cannot be asked: this PHP forbids stream_socket_client.');
    $service = @stream_socket_client('unix://' . SERVICE, $number, $reason, PATIENCE) or lost("It is not there: $reason.");
    stream_set_timeout($service, PATIENCE);
    define('ASKED', $method === 'POST'); // A service that has heard enough stops reading, and answers all the same.
    for ($rest = "$text\r\n$body"; $rest !== '' && ($sent = @fwrite($service, $rest)); $rest = substr($rest, $sent));
    answer($cpanel, $service, $method === 'HEAD');
}

function answer($cpanel, $service, bool $is_bare): void {
    $until = microtime(true) + PATIENCE;
    for ($text = ''; ($end = strpos($text, "\r\n\r\n")) === false; $text .= $part) {
        $part = part($service, $until);
        ($part !== '' && strlen($text) <= HEAD) or lost('Its answer has no end of its head.');
    }
    [$lines, $body] = [explode("\r\n", substr($text, 0, $end)), substr($text, $end + 4)];
    preg_match('{\AHTTP/1\.[01] ([2-5][0-9]{2})(?: [\x20-\x7e]*)?\z}', array_shift($lines), $status) or lost('Its answer is not HTTP.');
    [$kept, $ours, $size] = [[], ['style' => [], 'script' => []], null];
    foreach ($lines as $line) {
        preg_match('/\A([A-Za-z0-9-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)\z/', $line, $found) or lost('Its answer has a broken header.');
        $name = strtolower($found[1]);
        $name !== 'transfer-encoding' or lost('It answered in chunks, which nobody asked for.');
        if (strncmp($name, 'x-origin-pulls-', 15) === 0) {
            $ours[substr($name, 15)][] = $found[2];
        } elseif (!preg_match('/\A(?:connection|keep-alive|proxy-.*|te|trailer|upgrade|server|date|status)\z/', $name)) {
            $kept[] = $line;
            $size = $name === 'content-length' ? (int) $found[2] : $size;
        }
    }
    if (isset($ours['frame']) && !$is_bare) {
        for (; !feof($service) && strlen($body) <= PAGE; $body .= part($service, $until));
        strlen($body) <= PAGE or lost('Its page is too long.');
        ($size ?? strlen($body)) === strlen($body) or lost('Its page broke off in the middle.');
        $styles = links($ours['style'], 'css', '<link rel="stylesheet" href="%s">');
        $scripts = links($ours['script'], 'js', '<script src="%s" defer></script>');
        show($cpanel, (int) $status[1], rawurldecode($ours['frame'][0]), $styles, $body . $scripts);
        return;
    }
    ob_end_clean();
    http_response_code((int) $status[1]);
    ini_set('default_mimetype', '');
    array_map(fn($line) => header($line, false), $kept);
    for (; $body !== '' || !feof($service); $body = part($service, microtime(true) + PATIENCE)) {
        echo $body;
        flush();
    }
}

function part($service, float $until): string {
    $part = (string) fread($service, 65536);
    $is_late = stream_get_meta_data($service)['timed_out'] || microtime(true) > $until;
    return $is_late ? lost('It did not answer within ' . PATIENCE . ' seconds.') : $part;
}

function links(array $names, string $ending, string $as): string { // files beside this script, and nowhere else
    $safe = preg_grep("/\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.$ending\z/", $names);
    return implode('', array_map(fn($name) => sprintf($as, $name) . "\n", $safe));
}

function show($cpanel, int $status, string $title, string $styles, string $page): void {
    $title = htmlspecialchars(preg_replace('/[\x00-\x1f\x7f]/', ' ', $title), ENT_QUOTES | ENT_SUBSTITUTE);
    $own = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>$title</title></head>\n<body><h1>$title</h1>\n";
    $top = explode('</head>', $cpanel === null ? $own : (string) $cpanel->header($title, 'originpulls'), 2);
    $bottom = $cpanel === null ? "</body></html>\n" : (string) $cpanel->footer();
    ob_clean();
    http_response_code($status);
    array_map('header', ['Content-Type: text/html; charset=utf-8', 'Cache-Control: no-store',
        'X-Content-Type-Options: nosniff', 'Referrer-Policy: same-origin', "Content-Security-Policy: frame-ancestors 'self'"]);
    echo implode("$styles</head>", $top), count($top) === 1 ? $styles : '', $page, $bottom;
}

function refuse(int $status, string $reason) { throw new DomainException($reason, $status); }
function lost(string $reason) { throw new RuntimeException($reason); }

function failed($cpanel, Throwable $why): void {
    if (ob_get_level() === 0) { return; } // An answer is on its way already.
    $reason = htmlspecialchars($why->getMessage(), ENT_QUOTES | ENT_SUBSTITUTE);
    if ($why instanceof DomainException) { show($cpanel, $why->getCode(), 'Origin Pulls', '', "<h2>$reason</h2>\n"); return; }
    $done = defined('ASKED') && ASKED ? 'It may be done all the same: look at Jobs, and where it would be seen, before you ask again.' : 'Your sites are not touched by that.';
    // Not a 503, because nobody promises that cPanel leaves the page of an error alone.
    header('X-Origin-Pulls-Error: away');
    show($cpanel, 200, 'Origin Pulls', '', "<h2>Origin Pulls does not answer just now</h2>\n<p>$reason $done</p>\n<p>If it lasts, tell "
        . "whoever runs this server to type, as root:<br>\n<code>systemctl restart origin-pulls-web-account</code></p>\n");
}

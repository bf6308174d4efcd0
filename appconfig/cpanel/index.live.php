<?php
// cPanel's bridge to Origin Pulls: hands one request of an account to the web service's account
// socket, and puts its answer into Jupiter's frame or passes it on as it is. Who is asking the
// service learns from the kernel alone: this script runs as the account, so nothing it says counts.
const SERVICE = '/run/origin-pulls/account/web.sock';
const PATIENCE = 30;       // seconds until the page or the answer's head is there; then for each part
const UPLOAD = 1048576;    // bytes of a request's body
const PAGE = 4194304;      // bytes of a page that goes into the frame
const HEAD = 65536;        // bytes of an answer's head

ini_set('display_errors', '0');
header_remove('X-Powered-By');
ob_start();
$cpanel = null;
try {
    // Opened before any output and closed at the end: else cPanel writes an error below the page.
    $cpanel = (@include '/usr/local/cpanel/php/cpanel.php') ? new CPANEL() : null;
} catch (Throwable $missing) {
    error_log('originpulls: no LiveAPI: ' . $missing->getMessage());
}
try {
    serve($cpanel);
} catch (Throwable $why) {
    failed($cpanel, $why);
}
while (ob_get_level() > 0) {
    ob_end_flush();
}
try {
    $cpanel?->end();
} catch (Throwable $open) {
    error_log('originpulls: LiveAPI did not close: ' . $open->getMessage());
}
exit(0);

function serve($cpanel): void
{
    $said = fn(string $name): string => (string) ($_SERVER[$name] ?? '');
    $method = $said('REQUEST_METHOD') ?: 'GET';
    $query = $said('QUERY_STRING');
    $is_post = $method === 'POST';
    $length = $is_post ? $said('CONTENT_LENGTH') : '0';
    $refused = match (true) {
        !in_array($method, ['GET', 'HEAD', 'POST'], true) => [405, 'Origin Pulls takes GET, HEAD and POST.'],
        preg_match('/\A[0-9]{1,15}\z/', $length) !== 1 => [411, 'The request does not say how long it is.'],
        (int) $length > UPLOAD => [413, 'Origin Pulls takes no more than 1 MiB at once.'],
        preg_match('/\A[\x21-\x7e]{0,8192}\z/', $query) !== 1 => [400, 'The address of this page cannot be read.'],
        stripos($said('CONTENT_TYPE'), 'multipart/') === 0 => [415, 'Origin Pulls takes no files here.'],
        default => null,
    };
    if ($refused !== null) {
        throw new DomainException($refused[1], $refused[0]);
    }
    $body = $is_post ? (string) file_get_contents('php://input', false, null, 0, (int) $length) : '';
    if (strlen($body) !== (int) $length) {
        throw new RuntimeException('The request broke off in the middle.');
    }
    $headers = ['X-Origin-Pulls-Address' => $said('REMOTE_ADDR'), 'Host' => $said('HTTP_HOST'),
        'Origin' => $said('HTTP_ORIGIN'), 'Sec-Fetch-Site' => $said('HTTP_SEC_FETCH_SITE')];
    $headers += $is_post ? ['Content-Type' => $said('CONTENT_TYPE'), 'Content-Length' => $length] : [];
    $text = "$method /?$query HTTP/1.0\r\n";
    foreach (preg_grep('/\A[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?\z/', $headers) as $name => $value) {
        $text .= "$name: $value\r\n";
    }
    // Called by a name that PHP looks up late: some servers forbid the function.
    $service = function_exists('stream_socket_client')
        ? @stream_socket_client('unix://' . SERVICE, $number, $reason, PATIENCE) : false;
    if ($service === false) {
        throw new RuntimeException('It is not there: ' . ($reason ?? 'this PHP forbids stream_socket_client') . '.');
    }
    stream_set_timeout($service, PATIENCE);
    // A service that has heard enough stops reading, and answers all the same.
    for ($rest = "$text\r\n$body"; $rest !== '' && ($sent = @fwrite($service, $rest)); $rest = substr($rest, $sent));
    answer($cpanel, $service, $method === 'HEAD');
}

function part($service, float $until): string
{
    $part = fread($service, 65536);
    if (stream_get_meta_data($service)['timed_out'] || microtime(true) > $until) {
        throw new RuntimeException('It did not answer within ' . PATIENCE . ' seconds.');
    }
    return (string) $part;
}

function answer($cpanel, $service, bool $is_bare): void
{
    $until = microtime(true) + PATIENCE;
    for ($text = ''; ($end = strpos($text, "\r\n\r\n")) === false; $text .= $part) {
        $part = part($service, $until);
        if ($part === '' || strlen($text) > HEAD) {
            throw new RuntimeException('Its answer has no end of its head.');
        }
    }
    $lines = explode("\r\n", substr($text, 0, $end));
    $body = substr($text, $end + 4);
    if (preg_match('{\AHTTP/1\.[01] ([2-5][0-9]{2})(?: [\x20-\x7e]*)?\z}', array_shift($lines), $status) !== 1) {
        throw new RuntimeException('Its answer is not HTTP.');
    }
    [$kept, $ours, $size] = [[], [], null];
    foreach ($lines as $line) {
        if (preg_match('/\A([A-Za-z0-9-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)\z/', $line, $found) !== 1) {
            throw new RuntimeException('Its answer has a broken header.');
        }
        $name = strtolower($found[1]);
        if (str_starts_with($name, 'x-origin-pulls-')) {
            $ours[substr($name, 15)][] = $found[2];
        } elseif ($name === 'transfer-encoding') {
            throw new RuntimeException('It answered in chunks, which nobody asked for.');
        } elseif (preg_match('/\A(?:connection|keep-alive|proxy-.*|te|trailer|upgrade|server|date|status)\z/', $name) !== 1) {
            $kept[] = $line;
            $size = $name === 'content-length' ? (int) $found[2] : $size;
        }
    }
    if (isset($ours['frame']) && !$is_bare) {
        for (; !feof($service) && strlen($body) <= PAGE; $body .= part($service, $until));
        if (strlen($body) > PAGE || ($size !== null && strlen($body) !== $size)) {
            throw new RuntimeException('Its page broke off in the middle, or is too long.');
        }
        $files = fn(string $kind, string $as): array => array_map(fn($file) => sprintf($as, $file),
            preg_grep("/\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.$kind\z/", $ours[$kind === 'css' ? 'style' : 'script'] ?? []));
        $styles = implode('', $files('css', '<link rel="stylesheet" href="%s">' . "\n"));
        $scripts = implode('', $files('js', '<script src="%s" defer></script>' . "\n"));
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

function show($cpanel, int $status, string $title, string $styles, string $page): void
{
    $title = htmlspecialchars(preg_replace('/[\x00-\x1f\x7f]/', ' ', $title), ENT_QUOTES | ENT_SUBSTITUTE);
    $top = $cpanel === null ? '' : (string) $cpanel->header($title, 'originpulls');
    $own = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>$title</title></head>\n<body><h1>$title</h1>\n";
    $bottom = $top === '' ? "</body></html>\n" : (string) $cpanel->footer();
    ob_clean();
    http_response_code($status);
    foreach (['Content-Type: text/html; charset=utf-8', 'Cache-Control: no-store', 'X-Content-Type-Options: nosniff',
        'Referrer-Policy: same-origin'] as $line) {
        header($line);
    }
    $parts = explode('</head>', $top ?: $own, 2);
    echo implode("$styles</head>", $parts), count($parts) === 1 ? $styles : '', $page, $bottom;
}

function failed($cpanel, Throwable $why): void
{
    if (ob_get_level() === 0) {
        return; // An answer is on its way already.
    }
    $reason = htmlspecialchars($why->getMessage(), ENT_QUOTES | ENT_SUBSTITUTE);
    if ($why instanceof DomainException) {
        show($cpanel, $why->getCode(), 'Origin Pulls', '', "<h2>$reason</h2>\n");
        return;
    }
    // Not a 503, because nobody promises that cPanel leaves the page of an error alone.
    header('X-Origin-Pulls-Error: away');
    show($cpanel, 200, 'Origin Pulls', '', "<h2>Origin Pulls does not answer just now</h2>\n<p>$reason Your sites are not"
        . " touched by that.</p>\n<p>If it lasts, tell whoever runs this server to type, as root:</p>\n"
        . "<pre>systemctl restart origin-pulls-web-account</pre>\n");
}

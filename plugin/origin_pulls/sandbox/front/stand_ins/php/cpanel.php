<?php
// The sandbox's stand-in of cPanel's LiveAPI class: it speaks to the front's socket and draws a
// frame with what Jupiter's has that a page can feel.
class CPANEL
{
    private $connection;

    public function __construct()
    {
        $path = getenv('CPANEL_PHPCONNECT_SOCKET') ?: getenv('CPANEL_CONNECT_SOCKET') ?: '';
        $this->connection = $path === '' ? false : @stream_socket_client("unix://$path", $number, $reason, 10);
        if ($this->connection === false) {
            throw new Exception('There is no LiveAPI socket.');
        }
        fwrite($this->connection, "<cpaneljson enable=\"1\">\n");
        fgets($this->connection);
    }

    public function header($title = '', $app_key = '')
    {
        $token = getenv('cp_security_token') ?: '';
        $user = htmlspecialchars(getenv('REMOTE_USER') ?: '');
        return <<<HTML
            <!DOCTYPE html>
            <html lang="en" dir="ltr">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>cPanel - $title</title>
            <link rel="stylesheet" href="$token/frontend/jupiter/sandbox/jupiter.css">
            <script>window.COMMON = {securityToken: "$token"};</script>
            </head>
            <body class="cpanel" data-app="$app_key">
            <header class="cp-top"><a href="$token/">cPanel</a> <span class="muted">$user</span></header>
            <main id="body-content" class="body-content">
            <h1 class="page-header">$title</h1>

            HTML;
    }

    public function footer()
    {
        return "\n</main>\n<footer class=\"cp-bottom\">A sandbox's drawing of a panel.</footer>\n</body>\n</html>\n";
    }

    public function end()
    {
        if ($this->connection !== null) {
            fwrite($this->connection, "<cpanelxml shutdown=\"1\" />\n");
            fclose($this->connection);
            $this->connection = null;
        }
    }
}

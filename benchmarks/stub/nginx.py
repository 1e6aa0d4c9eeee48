"""The stub as an nginx configuration: one process, static answers, nothing written outside its own folder."""

from __future__ import annotations

from pathlib import Path

from benchmarks.stub import answers

CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    sendfile on;
    etag off;
    if_modified_since off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ }}
    default_type {content_type};
{headers}
    map_hash_max_size 8192;
    map_hash_bucket_size 256;
    map $arg__token $page {{ default 0; "~^[0-9]+$" $arg__token; }}
    map $page $next_page {{
{next_pages}
    }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location = {root_path} {{ return 200 '{root}'; }}
        location = {cluster_path} {{ return 200 '{cluster}'; }}
        location = {login_path} {{
{cookies}
            return 200 '{cluster}';
        }}
        location = {records_path} {{
{headers}
            add_header Next-Page $next_page;
            alias {folder}/page-$page.json;
        }}
{sequoia}
        location ~ ^{records_path}/([A-Za-z0-9][A-Za-z0-9_-]*)$ {{ return 200 '{record}'; }}
    }}
}}
"""


def command(executable: str, folder: Path, port: int, pages: int) -> list[str]:
    """Write the configuration and the pages into `folder`; what to run then."""
    for number in range(pages):
        (folder / f"page-{number}.json").write_text(answers.page(number))
    base_url = f"http://127.0.0.1:{port}"
    sequoia = answers.sequoia(base_url)
    for number, text in enumerate(sequoia.values()):
        (folder / f"sequoia-{number}.json").write_text(text)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            port=port,
            content_type=answers.CONTENT_TYPE,
            # A level with an add_header of its own inherits none, hence written twice.
            headers="\n".join(f"    add_header {name} {_quoted(value)};" for name, value in answers.HEADERS.items()),
            next_pages="\n".join(f'        {n} "{answers.next_page(base_url, n, pages)}";' for n in range(pages)),
            root_path=answers.ROOT_PATH,
            root=answers.ROOT,
            cluster_path=answers.CLUSTER_PATH,
            cluster=answers.CLUSTER,
            login_path=answers.LOGIN_PATH,
            cookies="\n".join(f"            add_header Set-Cookie {_quoted(each)};" for each in answers.COOKIES),
            records_path=answers.RECORDS_PATH,
            record=answers.envelope("$1"),
            # A static file is not to be posted to, which then ends in the file all the same.
            sequoia="\n".join(
                f"        location = {path} {{ error_page 405 =200 $uri; alias {folder}/sequoia-{number}.json; }}"
                for number, path in enumerate(sequoia)
            ),
        )
    )
    # -e: else the log file that was compiled in is opened before the configuration is read.
    return [executable, "-e", "stderr", "-p", str(folder), "-c", str(configuration)]


def _quoted(value: str) -> str:
    return f"'{value}'" if '"' in value else f'"{value}"'

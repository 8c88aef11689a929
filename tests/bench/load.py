"""load.py REQUESTS URL BODY|- TOKEN: that many requests over 16 keep-alive connections, one at a time each."""
import socket, sys, urllib.parse

count, url, body, token = int(sys.argv[1]), urllib.parse.urlsplit(sys.argv[2]), sys.argv[3], sys.argv[4]
data = b"" if body == "-" else open(body, "rb").read()
head = f"{'POST' if data else 'GET'} {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {token}\r\n"
if data:
    head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
request = head.encode() + b"\r\n" + data
connections = [socket.create_connection((url.hostname, url.port)) for _ in range(int(__import__("os").environ.get("CONNS","16")))]


def answer(connection):
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(65536)
        assert piece, "the server closed the connection"
        got += piece
    top, _, rest = got.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 2"), top
    size = int([line for line in top.lower().split(b"\r\n") if line.startswith(b"content-length:")][0].split(b":")[1])
    while len(rest) < size:
        rest += connection.recv(65536)


done = 0
while done < count:
    batch = connections[: min(len(connections), count - done)]
    for connection in batch:
        connection.sendall(request)
    for connection in batch:
        answer(connection)
    done += len(batch)

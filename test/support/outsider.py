# Checks a proof of one event as docs/operations.md describes it, with Python's own library: the root, not the signature.
import base64, hashlib, json, sys

head, note = open(sys.argv[1], encoding='utf-8').read().split('\n\n', 1)
name, extra, index, *proof = head.split('\n')
assert name == 'c2sp.org/tlog-proof@v1'
line = base64.b64decode(extra.removeprefix('extra '))
event = json.loads(line)
sealed = line[: line.rindex(b',"v":1,"ip":')] + b',"v":1}'


def raw(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


own = hashlib.sha256(raw(event['prevHash']) + sealed).digest()
assert own == raw(event['hash'])
origin, size, root = note.split('\n')[:3]
at, last = int(index.removeprefix('index ')), int(size) - 1
node = hashlib.sha256(b'\0' + own).digest()
for text in proof:
    sibling = base64.b64decode(text)
    if at % 2 == 1 or at == last:
        node = hashlib.sha256(b'\1' + sibling + node).digest()
        while at % 2 == 0 and at != 0:
            at, last = at >> 1, last >> 1
    else:
        node = hashlib.sha256(b'\1' + node + sibling).digest()
    at, last = at >> 1, last >> 1
assert last == 0 and base64.b64encode(node).decode() == root
print(event['seq'], origin, size)

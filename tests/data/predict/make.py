#!/usr/bin/python3
# make.py: makes the images of this folder, and expected.txt: what they must be measured
# as, calculated here apart from the project's code. No dependency.
import hashlib
import os
import struct

here = os.path.dirname(os.path.abspath(__file__))


def pe(sections, tail=b'', signature=b''):
    # sections: (name, content, virtual size or None). PE32+, sections out of file order.
    align = 0x200
    head = bytearray(b'MZ' + b'\0' * 0x3A + struct.pack('<I', 0x40))
    opt_size = 112 + 16 * 8
    head += b'PE\0\0' + struct.pack('<HHIIIHH', 0x8664, len(sections), 0, 0, 0, opt_size, 0x206)
    opt = bytearray(opt_size)
    struct.pack_into('<H', opt, 0, 0x20B)
    struct.pack_into('<I', opt, 64, 0xDEADBEEF)  # checksum: not hashed
    struct.pack_into('<I', opt, 108, 16)
    size = len(head) + opt_size + 40 * len(sections)
    headers = (size + align - 1) // align * align
    struct.pack_into('<I', opt, 60, headers)
    table, body, at = b'', {}, headers
    order = list(reversed(range(len(sections))))
    where = {}
    for i in order:
        raw = sections[i][1] + b'\0' * (-len(sections[i][1]) % align)
        where[i] = (at, raw)
        at += len(raw)
    for i, (name, content, virtual) in enumerate(sections):
        table += struct.pack('<8sIIIIIIHHI', name.encode(), len(content) if virtual is None else virtual,
                             0x1000 * (i + 1), len(where[i][1]), where[i][0], 0, 0, 0, 0, 0x40000040)
    body = b''.join(where[i][1] for i in order) + tail
    if signature:
        struct.pack_into('<II', opt, 112 + 32, headers + len(body), len(signature))
    image = bytes(head) + bytes(opt) + table
    image += b'\0' * (headers - len(image)) + body + signature
    # what Authenticode hashes
    checksum, security = len(head) + 64, len(head) + 112 + 32
    end = len(image) - len(signature)
    return image, image[:checksum] + image[checksum + 4:security] + image[security + 8:end]


def line(pcr, data):
    return f'{pcr} ' + ' '.join(hashlib.new(a, data).hexdigest() for a in ('sha1', 'sha256', 'sha384', 'sha512'))


kernel, kernel_hashed = pe([('.text', b'\x90' * 700, None), ('.data', b'kernel', None)], tail=b'tail of it')
cmdline = b'console=ttyS0 root=/dev/ram0 quiet'
magic = b'#### LoaderInfo: systemd-stub 252.39-1~deb12u1 ####\0'
content = {'.osrel': b'ID=debian\n', '.cmdline': cmdline, '.initrd': b'initrd' * 99, '.linux': kernel}
stub = [('.text', b'stub' * 50, None), ('.sbat', b'sbat,1\n', None), ('.sdmagic', magic, None)]
uki, uki_hashed = pe(stub + [(n, c, None) for n, c in content.items()], signature=b'signature' * 8)
expected = [line(4, uki_hashed)]
for n in '.linux', '.osrel', '.cmdline', '.initrd':
    expected += [line(11, n.encode() + b'\0'), line(11, content[n])]
expected += [line(4, kernel_hashed), line(9, cmdline.decode().encode('utf-16le') + b'\0\0'), line(9, content['.initrd'])]
open(f'{here}/uki.efi', 'wb').write(uki)
open(f'{here}/uki.expected', 'w').write('\n'.join(expected) + '\n')
# a later stub measures .sbat and .uname too; a section that is shown longer than it is stored
magic = b'#### LoaderInfo: systemd-stub 255.4 ####\0'
stub = [('.sdmagic', magic, None), ('.sbat', b'sbat,1\n', None), ('.uname', b'6.1.0', 600)]
uki, uki_hashed = pe(stub + [(n, c, None) for n, c in content.items()])
expected = [line(4, uki_hashed)]
for n in '.linux', '.osrel', '.cmdline', '.initrd':
    expected += [line(11, n.encode() + b'\0'), line(11, content[n])]
expected += [line(11, b'.uname\0'), line(11, b'6.1.0' + b'\0' * 595), line(11, b'.sbat\0'), line(11, b'sbat,1\n')]
expected += [line(4, kernel_hashed), line(9, cmdline.decode().encode('utf-16le') + b'\0\0'), line(9, content['.initrd'])]
open(f'{here}/uki255.efi', 'wb').write(uki)
open(f'{here}/uki255.expected', 'w').write('\n'.join(expected) + '\n')
open(f'{here}/kernel.efi', 'wb').write(kernel)
open(f'{here}/kernel.expected', 'w').write(line(4, kernel_hashed) + '\n')
for name, sections in {
        'no-stub': [('.linux', kernel, None)],
        'no-linux': [('.sdmagic', magic, None)],
        'profile': [('.sdmagic', magic, None), ('.linux', kernel, None), ('.profile', b'x', None)],
        'newline': [('.sdmagic', magic, None), ('.linux', kernel, None), ('.cmdline', b'quiet\n', None)]}.items():
    open(f'{here}/{name}.efi', 'wb').write(pe(sections)[0])

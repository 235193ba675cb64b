#!/bin/bash
# As test_matrix_uefi, from IDE, which OVMF reads word by word: it takes as long as all of that one's together.
. "$(dirname "$0")/../claim.bash"
. tests/boot/boot.bash
. tests/boot/matrix.bash
need "$tiny"
reaches pc uefi ide 4

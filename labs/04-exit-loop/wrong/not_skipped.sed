/^        guest_skip\(\);/d

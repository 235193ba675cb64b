s/^    for \(uint64_t at.*//

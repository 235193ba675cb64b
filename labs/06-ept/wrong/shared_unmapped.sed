/map\(SHARED/d

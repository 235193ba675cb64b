/map\(SECRET/d; /EPT_VIOLATION:/s/violation.*/return;/

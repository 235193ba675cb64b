s/16 \* \(selector\)/0/

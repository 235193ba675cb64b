s/\(uint16_t\)\(real_handler - real_code\)/(uint16_t)(uint64_t)real_handler/

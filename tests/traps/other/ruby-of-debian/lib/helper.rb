module Helper; def self.x = "été".encode("ISO-8859-1").bytesize.to_s; end

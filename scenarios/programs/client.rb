# The same client as client.c, in Ruby: with FFI, and with Socket#getsockopt where that will do.
require "ffi"
require "socket"

IPPROTO_TCP = 6
GET_SUB_IDS, CLOSE_SUB_ID, GET_SUB_TUPLE, OPEN_SUB_TUPLE, _, SUB_GETSOCKOPT, SUB_SETSOCKOPT = *66..72

module C
  extend FFI::Library
  ffi_lib FFI::Library::LIBC
  attach_function :getsockopt, %i[int int int pointer pointer], :int
  attach_function :setsockopt, %i[int int int pointer uint], :int
end

class SubGet < FFI::Struct
  layout :id, :uint8, :level, :int, :optname, :int, :optval, :pointer, :optlen, :pointer
end

class SubSet < FFI::Struct
  layout :id, :uint8, :level, :int, :optname, :int, :optval, :pointer, :optlen, :uint
end

class CloseSubId < FFI::Struct
  layout :id, :uint8, :how, :int
end

# What getsockopt made of the bytes, or its errno.
def call(sock, option, bytes)
  buffer = FFI::MemoryPointer.new(:char, [bytes.bytesize, 1].max).put_bytes(0, bytes)
  length = FFI::MemoryPointer.new(:uint).write_uint(bytes.bytesize)
  return FFI.errno unless C.getsockopt(sock.fileno, IPPROTO_TCP, option, buffer, length).zero?

  buffer.read_bytes(length.read_uint)
end

def must(result)
  abort "errno #{result}" if result.is_a?(Integer)
  result
end

def say_error(what, result)
  puts "error #{what} #{result.is_a?(Integer) ? result : 0}"
end

def open_sub(sock, head, local, remote)
  result = call(sock, OPEN_SUB_TUPLE, head.pack("C*") + local + remote)
  result.is_a?(Integer) ? result : result.getbyte(0).to_s
end

def list(sock) # 256 bytes are what Ruby has for it
  count, *rest = sock.getsockopt(IPPROTO_TCP, GET_SUB_IDS).data.unpack("CxC*")
  pairs = rest.each_slice(2).first(count)
  puts "listed " + pairs.map { |id, flags| "#{id}#{"*" if flags[3] == 1}" }.join(" ")
end

def say_tuple(sock, id)
  without = must(call(sock, GET_SUB_TUPLE, [id].pack("C") + "\0" * 59))
  with = must(call(sock, GET_SUB_TUPLE, [id].pack("C") + "\0" * 33))
  abort "two tuples" unless without[1..] == with[2..]
  ends = [without[1, 16], without[17, 16]].map { |each| Addrinfo.new(each).inspect_sockaddr }
  puts "tuple #{id} #{ends.join(" ")} #{with.getbyte(1)}"
end

def get_tos(sock, id)
  value, length = FFI::MemoryPointer.new(:int), FFI::MemoryPointer.new(:uint).write_uint(4)
  asked = SubGet.new
  asked[:id], asked[:level], asked[:optname] = id, Socket::IPPROTO_IP, Socket::IP_TOS
  asked[:optval], asked[:optlen] = value, length
  result = call(sock, SUB_GETSOCKOPT, asked.pointer.read_bytes(SubGet.size))
  result.is_a?(Integer) ? result : value.read_int.to_s
end

def set_tos(sock, id, tos)
  wanted = SubSet.new
  wanted[:id], wanted[:level], wanted[:optname] = id, Socket::IPPROTO_IP, Socket::IP_TOS
  wanted[:optval], wanted[:optlen] = FFI::MemoryPointer.new(:int).write_int(tos), 4
  result = C.setsockopt(sock.fileno, IPPROTO_TCP, SUB_SETSOCKOPT, wanted, SubSet.size)
  result.zero? ? "" : FFI.errno
end

def close_sub(sock, id)
  closing = CloseSubId.new
  closing[:id], closing[:how] = id, Socket::SHUT_RDWR
  call(sock, CLOSE_SUB_ID, closing.pointer.read_bytes(CloseSubId.size))
end

def try_what_cannot_be(sock, first, remote)
  say_error "tuple", call(sock, GET_SUB_TUPLE, [100].pack("C") + "\0" * 32)
  say_error "close", close_sub(sock, 100)
  say_error "get", get_tos(sock, 100)
  say_error "set", set_tos(sock, 100, 28)
  say_error "port", open_sub(sock, [0], Socket.sockaddr_in(10, first), remote)
  say_error "short", call(sock, OPEN_SUB_TUPLE, "\0" * 20)
  Socket.sockaddr_in(80, "multipath-tcp..org")
rescue SocketError
  say_error "name", Errno::EINVAL::Errno
end

def ask(sock, connection)
  sock.write "GET / HTTP/1.1\r\nHost: multipath-tcp.org\r\nConnection: #{connection}\r\n\r\n"
  abort "no answer" unless sock.gets("Hello\n")
end

$stdout.sync = true
server, port, first, second = ARGV
sock = TCPSocket.new(server, port, first, 0)
ask sock, "keep-alive"
remote = sock.remote_address.to_sockaddr

low = must(open_sub(sock, [0, 1], Socket.sockaddr_in(0, second), remote)).to_i
puts "opened #{low}"
normal = must(open_sub(sock, [0], Socket.sockaddr_in(0, first), remote)).to_i
puts "opened #{normal}"
list sock
[1, low, normal].each { |id| say_tuple sock, id }
try_what_cannot_be sock, first, remote
result = set_tos(sock, normal, 28)
say_error "set_tos", result if result.is_a?(Integer)
[normal, 1].each do |id|
  tos = get_tos(sock, id)
  tos.is_a?(Integer) ? say_error("get_tos", tos) : puts("tos #{id} #{tos}")
end
puts "ready"
$stdin.gets

must(close_sub(sock, low))
puts "closed #{low}"
list sock
ask sock, "close"
sock.close_write
sock.read
begin
  loop do
    sock.getsockopt(IPPROTO_TCP, GET_SUB_IDS)
    sleep 0.01
  end
rescue SystemCallError => e
  say_error "closed", e.errno
end
number = sock.fileno
sock.close
say_error "closed_descriptor", call(Struct.new(:fileno).new(number), GET_SUB_IDS, "\0" * 100)

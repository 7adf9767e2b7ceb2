// The same client as client.c, in Go, which reaches the old options through C.
package main

/*
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "old_api.h"

// Go has no bit fields.
static int low_prio(const struct mptcp_sub_ids *ids, int n)
{
	return ids->sub_status[n].low_prio;
}

static int number(const struct mptcp_sub_ids *ids, int n)
{
	return ids->sub_status[n].id;
}

// What points to memory is made in C: Go's memory may not hold pointers into Go's memory for C.
static int sub_option(int fd, int set, int id, int *value)
{
	unsigned int size = sizeof *value;
	struct mptcp_sub_getsockopt get = {id, SOL_IP, IP_TOS, (char *)value, &size};
	struct mptcp_sub_setsockopt put = {id, SOL_IP, IP_TOS, (char *)value, size};
	socklen_t length = sizeof get;

	if (set)
		return setsockopt(fd, IPPROTO_TCP, MPTCP_SUB_SETSOCKOPT, &put, sizeof put);
	return getsockopt(fd, IPPROTO_TCP, MPTCP_SUB_GETSOCKOPT, &get, &length);
}
*/
import "C"

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"
)

const addresses = 2 * 16 // two sockaddr_in

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func sayError(what string, err error) {
	errno, _ := err.(syscall.Errno)
	fmt.Println("error", what, int(errno))
}

// call calls getsockopt with an old option, on the connection's own descriptor.
func call(conn *net.TCPConn, option C.int, buffer []byte) (length int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, syscall.EBADF
	}
	size := C.socklen_t(len(buffer))
	failed := raw.Control(func(fd uintptr) {
		_, err = C.getsockopt(C.int(fd), C.IPPROTO_TCP, option, unsafe.Pointer(&buffer[0]), &size)
	})
	if failed != nil {
		return 0, syscall.EBADF
	}
	return int(size), err
}

func subOption(conn *net.TCPConn, set int, id byte, value *C.int) (err error) {
	raw, failed := conn.SyscallConn()
	check(failed)
	check(raw.Control(func(fd uintptr) {
		_, err = C.sub_option(C.int(fd), C.int(set), C.int(id), value)
	}))
	return err
}

func sockaddr(address *net.TCPAddr) []byte {
	data := make([]byte, 16)
	data[0] = C.AF_INET // little-endian
	binary.BigEndian.PutUint16(data[2:], uint16(address.Port))
	copy(data[4:], address.IP.To4())
	return data
}

func endpoint(data []byte) string {
	return fmt.Sprintf("%s:%d", net.IP(data[4:8]), binary.BigEndian.Uint16(data[2:]))
}

func open(conn *net.TCPConn, head []byte, local, remote *net.TCPAddr) (byte, error) {
	buffer := append(append(head, sockaddr(local)...), sockaddr(remote)...)
	_, err := call(conn, C.MPTCP_OPEN_SUB_TUPLE, buffer)
	return buffer[0], err
}

func list(conn *net.TCPConn) {
	buffer := make([]byte, 2)
	_, err := call(conn, C.MPTCP_GET_SUB_IDS, buffer)
	for err == syscall.EINVAL {
		buffer = make([]byte, len(buffer)+2)
		_, err = call(conn, C.MPTCP_GET_SUB_IDS, buffer)
	}
	check(err)
	ids := (*C.struct_mptcp_sub_ids)(unsafe.Pointer(&buffer[0]))
	fmt.Print("listed")
	for n := C.int(0); n < C.int(ids.sub_count); n++ {
		fmt.Print(" ", C.number(ids, n), map[C.int]string{0: "", 1: "*"}[C.low_prio(ids, n)])
	}
	fmt.Println()
}

func sayTuple(conn *net.TCPConn, id byte) {
	buffer := make([]byte, 2+addresses)
	buffer[0] = id
	_, err := call(conn, C.MPTCP_GET_SUB_TUPLE, buffer)
	check(err)
	fmt.Println("tuple", id, endpoint(buffer[2:]), endpoint(buffer[2+addresses/2:]), buffer[1])
}

func sayTos(conn *net.TCPConn, id byte) {
	tos := C.int(-1)
	if err := subOption(conn, 0, id, &tos); err != nil {
		sayError("get_tos", err)
		return
	}
	fmt.Println("tos", id, tos)
}

func tryWhatCannotBe(conn *net.TCPConn, first string, remote *net.TCPAddr) {
	tos := C.int(28)
	_, err := call(conn, C.MPTCP_GET_SUB_TUPLE, append([]byte{100}, make([]byte, addresses)...))
	sayError("tuple", err)
	_, err = call(conn, C.MPTCP_CLOSE_SUB_ID, []byte{100})
	sayError("close", err)
	sayError("get", subOption(conn, 0, 100, &tos))
	sayError("set", subOption(conn, 1, 100, &tos))
	_, err = open(conn, []byte{0}, &net.TCPAddr{IP: net.ParseIP(first), Port: 10}, remote)
	sayError("port", err)
	_, err = call(conn, C.MPTCP_OPEN_SUB_TUPLE, make([]byte, 20))
	sayError("short", err)
	if _, err = net.ResolveTCPAddr("tcp4", "multipath-tcp..org:80"); err != nil {
		sayError("name", syscall.EINVAL)
	}
}

func ask(conn *net.TCPConn, reader *bufio.Reader, connection string) {
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: multipath-tcp.org\r\nConnection: %s\r\n\r\n", connection)
	for line := ""; line != "Hello\n"; {
		var err error
		line, err = reader.ReadString('\n')
		check(err)
	}
}

func main() {
	server, first, second := os.Args[1]+":"+os.Args[2], os.Args[3], os.Args[4]
	remote, err := net.ResolveTCPAddr("tcp4", server)
	check(err)
	conn, err := net.DialTCP("tcp4", &net.TCPAddr{IP: net.ParseIP(first)}, remote)
	check(err)
	reader := bufio.NewReader(conn)
	ask(conn, reader, "keep-alive")

	low, err := open(conn, []byte{0, 1}, &net.TCPAddr{IP: net.ParseIP(second)}, remote)
	check(err)
	fmt.Println("opened", low)
	normal, err := open(conn, []byte{0}, &net.TCPAddr{IP: net.ParseIP(first)}, remote)
	check(err)
	fmt.Println("opened", normal)
	list(conn)
	for _, id := range []byte{1, low, normal} {
		sayTuple(conn, id)
	}
	tryWhatCannotBe(conn, first, remote)
	tos := C.int(28)
	if err = subOption(conn, 1, normal, &tos); err != nil {
		sayError("set_tos", err)
	}
	sayTos(conn, normal)
	sayTos(conn, 1)
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadByte()

	_, err = call(conn, C.MPTCP_CLOSE_SUB_ID, []byte{low})
	check(err)
	fmt.Println("closed", low)
	list(conn)
	ask(conn, reader, "close")
	conn.CloseWrite()
	reader.ReadByte() // its end
	for err = nil; err == nil; time.Sleep(10 * time.Millisecond) {
		_, err = call(conn, C.MPTCP_GET_SUB_IDS, make([]byte, 100))
	}
	sayError("closed", err)
	conn.Close()
	_, err = call(conn, C.MPTCP_GET_SUB_IDS, make([]byte, 100))
	sayError("closed_descriptor", err)
}

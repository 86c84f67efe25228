import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/** Sends a file to a port of this host by FileChannel.transferTo, and prints what it took, in nanoseconds. */
public class Transfer {
    public static void main(String[] args) throws Exception {
        try (FileChannel file = FileChannel.open(Path.of(args[0]));
                SocketChannel to = SocketChannel.open(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[1])))) {
            ThreadMXBean thread = ManagementFactory.getThreadMXBean();
            long size = file.size();
            long user = thread.getCurrentThreadUserTime(), cpu = thread.getCurrentThreadCpuTime(), begun = System.nanoTime();
            for (long off = 0; off < size; ) {
                off += file.transferTo(off, Math.min(1 << 20, size - off), to);
            }
            long elapsed = System.nanoTime() - begun;
            cpu = thread.getCurrentThreadCpuTime() - cpu;
            user = thread.getCurrentThreadUserTime() - user;
            System.out.println(elapsed + " " + user + " " + (cpu - user));
        }
    }
}

"""Passwords of ten characters and more that are tried first; shorter ones are refused by their length anyway."""

_LIST = """
1234567890 12345678910 123456789a 123456789q 0123456789 0987654321 9876543210 1111111111 0000000000 1122334455
1234512345 1231231231 123123123a 1029384756 1qaz2wsx3edc 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4t5 q1w2e3r4t5y6 qwertyuiop
qwerty1234 qwerty12345 qwerty123456 qwerty123!  qwertyqwerty 1234qwerty 123456qwerty 12345qwert qazwsxedcrfv
qazwsx1234 qweasdzxc1 qweasdzxc123 asdfghjkl; asdfghjkl1 asdfasdfasdf zxcvbnm123 zxcvbnm1234 zaq12wsxcde3
zaq1zaq1zaq1 poiuytrewq password12 password123 password1234 password12345 password123! password1! passw0rd123
p@ssw0rd123 p@ssword123 passwordpassword mypassword1 mypassword changeme123 changeme12 changemenow letmein123
letmein1234 welcome123 welcome1234 welcome2024 welcome2025 welcome2026 administrator administrator1 admin12345
admin123456 adminadmin admin1234! root123456 rootroot12 superadmin1 superuser1 supervisor1 superman123 iloveyou12
iloveyou123 ihateyou123 football123 baseball123 basketball liverpool1 chelsea123 manchester barcelona1 realmadrid1
princess123 sunshine123 starwars123 dragon12345 monkey12345 shadow12345 master12345 michael123 jennifer123
jordan12345 trustno1trustno1 abcdefghij abcdefghijk abcd123456 abc1234567 abc123abc123 a123456789 a1234567890
aa12345678 q123456789 z123456789 test123456 testtest12 testpassword temporary1 temp123456 default123 guest12345
secret1234 secret12345 internet12 computer12 computer123 december2025 november2026 january2026 summer2025
summer2026 winter2025 winter2026 spring2026 callcab123 callcab1234 callcab12345 callcab2026 callcenter callcenter1
йцукенгшщз йцукен1234 йцукен12345 йцукен123456 фывапролдж ячсмитьбюю пароль1234 пароль12345 пароль123456
парольпароль мойпароль1 москва1234 москва2025 москва2026 россия1234 россия2026 привет1234 привет12345 любовь12345
солнышко12 наташа12345 администратор gfhjkmgfhjkm gfhjkm1234 gfhjkm12345 qwertyйцукен privet1234 privet12345
moskva2026 moscow2026 rossiya2026 natasha123 nastya12345 marina12345 sergey12345 andrey12345 maksim12345
"""
COMMON = frozenset(_LIST.split())

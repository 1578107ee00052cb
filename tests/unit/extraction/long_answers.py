"""Long answers of an assistant in twelve languages, with what of them extraction must be shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LongAnswer:
    """An answer, in parts, with the messages of the user around it."""

    #: The user's message before the answer.
    asked: str
    opening: str
    #: General advice, which names nothing of the user's.
    advice: tuple[str, ...]
    #: It names something of the user's.
    matter: str
    #: What the assistant undertakes.
    undertaking: str
    #: (head, rest) of the items of a list.
    items: tuple[tuple[str, str], ...]
    question: str
    #: The user's next message chooses an item by its place only.
    choice: str

    @property
    def text(self) -> str:
        """The whole answer."""
        half = len(self.advice) // 2
        first, second = " ".join(self.advice[:half]), " ".join(self.advice[half:])
        listed = "\n".join(f"{number}. **{head}**: {rest}" for number, (head, rest) in enumerate(self.items, start=1))
        return "\n\n".join([self.opening, first, self.matter, listed, second, self.undertaking, second, self.question])


LANGUAGES = {
    "en": LongAnswer(
        asked="My greyhound Bruno limps since Tuesday, and our vet Dr. Costa is away.",
        opening="I'm sorry to hear that.",
        advice=(
            "Limping has many causes, from a thorn to a torn ligament.",
            "Rest and short walks help in most cases.",
            "Cold packs reduce swelling when they are applied for ten minutes.",
            "Medicine for people is dangerous for animals.",
            "Soft floors are easier on the joints.",
            "Nails that are too long change the way of walking.",
            "An X-ray shows broken bones, and ultrasound shows tendons.",
            "Older animals suffer from arthritis in cold weather.",
        ),
        matter="Since Bruno limps since Tuesday already, do not wait until Dr. Costa is back.",
        undertaking="I'll remind you tomorrow at nine.",
        items=(
            ("The clinic in Alvalade", "it is open at night and takes all animals."),
            ("The practice in Benfica", "it is near, and one needs no appointment."),
            ("A visit at home", "it costs more, and spares the way."),
        ),
        question="Which of them shall it be?",
        choice="The second one, please.",
    ),
    "de": LongAnswer(
        asked="Mein Windhund Bruno hinkt seit Dienstag, und unsere Tierärztin Frau Kessler ist verreist.",
        opening="Das tut mir leid.",
        advice=(
            "Hinken hat viele Ursachen, vom Dorn bis zum Bänderriss.",
            "Ruhe und kurze Wege helfen in den meisten Fällen.",
            "Kühlende Umschläge mindern Schwellungen, wenn man sie zehn Minuten auflegt.",
            "Medikamente für Menschen sind für Tiere gefährlich.",
            "Weiche Böden schonen die Gelenke.",
            "Zu lange Krallen verändern den Gang.",
            "Röntgenbilder zeigen Brüche, Ultraschall zeigt Sehnen.",
            "Ältere Tiere leiden bei Kälte an Arthrose.",
        ),
        matter="Da Bruno schon seit Dienstag hinkt, warten Sie nicht, bis Frau Kessler zurück ist.",
        undertaking="Ich erinnere Sie morgen um neun daran.",
        items=(
            ("Die Klinik in Altona", "sie hat nachts geöffnet und nimmt alle Tiere."),
            ("Die Praxis in Eimsbüttel", "sie liegt nah, man braucht keinen Termin."),
            ("Ein Hausbesuch", "er kostet mehr und spart den Weg."),
        ),
        question="Welche davon soll es sein?",
        choice="Die zweite bitte.",
    ),
    "es": LongAnswer(
        asked="Mi galgo Bruno cojea desde el martes, y nuestra veterinaria, la doctora Ibáñez, está de viaje.",
        opening="Lo siento mucho.",
        advice=(
            "La cojera tiene muchas causas, desde una espina hasta una rotura de ligamentos.",
            "El reposo y los paseos cortos ayudan en la mayoría de los casos.",
            "Las compresas frías reducen la hinchazón si se aplican diez minutos.",
            "Los medicamentos para personas son peligrosos para los animales.",
            "Los suelos blandos cuidan las articulaciones.",
            "Las uñas demasiado largas cambian la forma de andar.",
            "Las radiografías muestran fracturas, y la ecografía muestra tendones.",
            "Los animales mayores sufren artrosis con el frío.",
        ),
        matter="Como Bruno cojea ya desde el martes, no esperes a que vuelva la doctora Ibáñez.",
        undertaking="Te recordaré la cita mañana a las nueve.",
        items=(
            ("La clínica de Chamberí", "abre de noche y acepta todos los animales."),
            ("La consulta de Retiro", "queda cerca y no hace falta cita."),
            ("Una visita a domicilio", "cuesta más y ahorra el camino."),
        ),
        question="¿Cuál de ellas prefieres?",
        choice="La segunda, por favor.",
    ),
    "pt": LongAnswer(
        asked="O meu galgo Bruno coxeia desde terça-feira, e a nossa veterinária, a doutora Mendes, está de férias.",
        opening="Lamento muito.",
        advice=(
            "A claudicação tem muitas causas, de um espinho a uma rotura de ligamentos.",
            "O repouso e os passeios curtos ajudam na maioria dos casos.",
            "As compressas frias reduzem o inchaço quando se aplicam dez minutos.",
            "Os medicamentos para pessoas são perigosos para os animais.",
            "Os pisos macios poupam as articulações.",
            "As unhas demasiado compridas mudam o modo de andar.",
            "As radiografias mostram fraturas, e a ecografia mostra tendões.",
            "Os animais idosos sofrem de artrose com o frio.",
        ),
        matter="Como o Bruno coxeia já desde terça-feira, não espere que a doutora Mendes volte.",
        undertaking="Eu lembro você amanhã às nove.",
        items=(
            ("A clínica de Alvalade", "abre à noite e aceita todos os animais."),
            ("O consultório de Benfica", "fica perto e não precisa de marcação."),
            ("Uma visita ao domicílio", "custa mais e poupa o caminho."),
        ),
        question="Qual delas prefere?",
        choice="A segunda, por favor.",
    ),
    "ru": LongAnswer(
        asked="Моя борзая Бруно хромает со вторника, а наш ветеринар Соколова уехала.",
        opening="Мне очень жаль.",
        advice=(
            "У хромоты много причин, от занозы до разрыва связок.",
            "Покой и короткие прогулки помогают в большинстве случаев.",
            "Холодные компрессы уменьшают отёк, если прикладывать их на десять минут.",
            "Лекарства для людей опасны для животных.",
            "Мягкий пол бережёт суставы.",
            "Слишком длинные когти меняют походку.",
            "Рентген показывает переломы, а ультразвук показывает сухожилия.",
            "Пожилые животные страдают от артроза в холода.",
        ),
        matter="Раз Бруно хромает уже со вторника, не ждите возвращения Соколовой.",
        undertaking="Напомню вам об этом завтра в девять.",
        items=(
            ("Клиника на Арбате", "работает ночью и принимает всех животных."),
            ("Кабинет на Пресне", "рядом, запись не нужна."),
            ("Вызов на дом", "стоит дороже и экономит дорогу."),
        ),
        question="Что из этого выберете?",
        choice="Второй, пожалуйста.",
    ),
    "tr": LongAnswer(
        asked="Tazım Bruno salıdan beri topallıyor, veterinerimiz Demir Hanım da tatilde.",
        opening="Geçmiş olsun.",
        advice=(
            "Topallamanın dikenden bağ kopmasına kadar birçok nedeni vardır.",
            "Dinlenme ve kısa yürüyüşler çoğu durumda yardımcı olur.",
            "Soğuk kompres on dakika uygulandığında şişliği azaltır.",
            "İnsan ilaçları hayvanlar için tehlikelidir.",
            "Yumuşak zeminler eklemleri korur.",
            "Fazla uzun tırnaklar yürüyüşü değiştirir.",
            "Röntgen kırıkları, ultrason ise tendonları gösterir.",
            "Yaşlı hayvanlar soğukta kireçlenmeden etkilenir.",
        ),
        matter="Bruno salıdan beri topalladığına göre Demir Hanım'ın dönmesini beklemeyin.",
        undertaking="Yarın dokuzda hatırlatacağım.",
        items=(
            ("Kadıköy'deki klinik", "gece açıktır ve bütün hayvanları kabul eder."),
            ("Moda'daki muayenehane", "yakındır, randevu gerekmez."),
            ("Evde muayene", "daha pahalıdır ve yolu kısaltır."),
        ),
        question="Hangisi olsun?",
        choice="İkincisi lütfen.",
    ),
    "ar": LongAnswer(
        asked="كلبي برونو يعرج منذ الثلاثاء، وطبيبتنا البيطرية الدكتورة ليلى مسافرة.",
        opening="يؤسفني سماع ذلك.",
        advice=(
            "للعرج أسباب كثيرة من شوكة إلى تمزق الأربطة.",
            "الراحة والمشي القصير يساعدان في معظم الحالات.",
            "الكمادات الباردة تخفف التورم إذا وضعت عشر دقائق.",
            "أدوية البشر خطرة على الحيوانات.",
            "الأرضيات الناعمة تحمي المفاصل.",
            "المخالب الطويلة جدا تغير طريقة المشي.",
            "الأشعة تظهر الكسور، والموجات فوق الصوتية تظهر الأوتار.",
            "الحيوانات المسنة تعاني من التهاب المفاصل في البرد.",
        ),
        matter="بما أن برونو يعرج منذ الثلاثاء فلا تنتظر عودة الدكتورة ليلى.",
        undertaking="سأذكرك غدا في التاسعة.",
        items=(
            ("عيادة المعادي", "مفتوحة ليلا وتستقبل كل الحيوانات."),
            ("عيادة الزمالك", "قريبة ولا تحتاج إلى موعد."),
            ("زيارة منزلية", "أغلى ثمنا وتوفر الطريق."),
        ),
        question="أيها تختار؟",
        choice="الثانية من فضلك.",
    ),
    "hi": LongAnswer(
        asked="मेरा कुत्ता ब्रूनो मंगलवार से लंगड़ा रहा है और हमारी पशु चिकित्सक डॉक्टर कपूर बाहर गई हैं।",
        opening="यह सुनकर दुख हुआ।",
        advice=(
            "लंगड़ाने के कई कारण होते हैं, काँटे से लेकर स्नायु टूटने तक।",
            "आराम और छोटी सैर अधिकतर मामलों में मदद करती है।",
            "ठंडी सिकाई दस मिनट तक करने से सूजन घटती है।",
            "इंसानों की दवाइयाँ जानवरों के लिए खतरनाक होती हैं।",
            "नरम फर्श जोड़ों के लिए अच्छा होता है।",
            "बहुत लंबे नाखून चाल बदल देते हैं।",
            "एक्स-रे हड्डियाँ दिखाता है और अल्ट्रासाउंड नसें दिखाता है।",
            "बूढ़े जानवर ठंड में गठिया से परेशान होते हैं।",
        ),
        matter="ब्रूनो मंगलवार से लंगड़ा रहा है, इसलिए डॉक्टर कपूर के लौटने का इंतज़ार न करें।",
        undertaking="मैं कल नौ बजे याद दिलाऊँगा।",
        items=(
            ("जुहू का क्लिनिक", "रात में खुला रहता है और सब जानवर लेता है।"),
            ("बांद्रा का दवाखाना", "पास है और समय लेना नहीं पड़ता।"),
            ("घर पर जाँच", "महँगी है और रास्ता बचाती है।"),
        ),
        question="इनमें से कौन सा चाहिए?",
        choice="दूसरा वाला।",
    ),
    "ko": LongAnswer(
        asked="우리 강아지 브루노가 화요일부터 절뚝거리는데, 담당 수의사 박은영 선생님은 휴가 중이에요.",
        opening="많이 걱정되시겠어요.",
        advice=(
            "절뚝거림은 가시에서 인대 파열까지 원인이 다양합니다.",
            "휴식과 짧은 산책이 대부분의 경우 도움이 됩니다.",
            "냉찜질은 십 분 정도 하면 부기를 줄입니다.",
            "사람이 먹는 약은 동물에게 위험합니다.",
            "부드러운 바닥은 관절에 좋습니다.",
            "발톱이 너무 길면 걸음걸이가 달라집니다.",
            "엑스레이는 골절을, 초음파는 힘줄을 보여 줍니다.",
            "나이 든 동물은 추운 날씨에 관절염으로 고생합니다.",
        ),
        matter="브루노가 화요일부터 절뚝거렸다면 박은영 선생님이 돌아올 때까지 기다리지 마세요.",
        undertaking="내일 아홉 시에 알려 드릴게요.",
        items=(
            ("마포 동물병원", "밤에도 열고 모든 동물을 받습니다."),
            ("연남 의원", "가깝고 예약이 필요 없습니다."),
            ("방문 진료", "비싸지만 이동이 없습니다."),
        ),
        question="어느 쪽이 좋으세요?",
        choice="두 번째로 할게요.",
    ),
    "ja": LongAnswer(
        asked="うちの犬のブルーノが火曜日から足を引きずっていて、獣医の小林先生は出張中です。",
        opening="それは心配ですね。",
        advice=(
            "跛行の原因は棘から靭帯断裂まで様々です。",
            "安静と短い散歩が多くの場合に役立ちます。",
            "冷湿布は十分ほど当てると腫れを抑えます。",
            "人間用の薬は動物には危険です。",
            "柔らかい床は関節に優しいです。",
            "爪が長すぎると歩き方が変わります。",
            "レントゲンは骨折を、超音波は腱を映します。",
            "高齢の動物は寒い季節に関節炎で苦しみます。",
            "体重が増えると負担も増えます。",
            "滑りやすい廊下には敷物が効果的です。",
            "水泳は筋肉を鍛える良い運動です。",
            "食事の内容も回復に影響します。",
        ),
        matter="ブルーノが火曜日から引きずっているなら、小林先生の帰りを待たないでください。",
        undertaking="明日の九時にお知らせします。",
        items=(
            ("目黒の病院", "夜間も開いていて全ての動物を診ます。"),
            ("恵比寿の医院", "近くて予約が不要です。"),
            ("往診", "高いですが移動がありません。"),
        ),
        question="どれにしますか？",
        choice="二番目でお願いします。",
    ),
    "zh": LongAnswer(
        asked="我家的狗布鲁诺从星期二开始一瘸一拐，我们的兽医林医生出差了。",
        opening="听到这个我很难过。",
        advice=(
            "跛行的原因很多，从刺到韧带撕裂都有可能。",
            "休息和短途散步在多数情况下有帮助。",
            "冷敷十分钟可以减轻肿胀。",
            "人用的药物对动物有危险。",
            "柔软的地板对关节更好。",
            "指甲过长会改变走路的姿势。",
            "光片显示骨折，超声显示肌腱。",
            "年老的动物在寒冷天气容易得关节炎。",
            "体重增加会加大负担。",
            "光滑的走廊可以铺上垫子。",
            "游泳是锻炼肌肉的好方法。",
            "饮食也会影响恢复的速度。",
            "过度运动可能使情况更糟。",
            "定期检查能够及早发现问题。",
        ),
        matter="既然布鲁诺从星期二就一瘸一拐，不要等林医生回来。",
        undertaking="我会在明天九点提醒你。",
        items=(
            ("徐汇的诊所", "夜间开放，接收各种动物。"),
            ("静安的医院", "很近，不需要预约。"),
            ("上门服务", "比较贵，但省去路程。"),
        ),
        question="你想选哪一个？",
        choice="第二个吧。",
    ),
    "th": LongAnswer(
        asked="หมาของฉันชื่อบรูโน่เดินกะเผลกตั้งแต่วันอังคาร และหมอสุดาสัตวแพทย์ของเราไปต่างจังหวัด",
        opening="เสียใจด้วยนะ",
        advice=(
            "อาการกะโผลกมีหลายสาเหตุตั้งแต่หนามจนถึงเอ็นฉีก",
            "การพักผ่อนและเดินสั้นๆ ช่วยได้ในกรณีส่วนใหญ่",
            "การประคบเย็นสิบนาทีช่วยลดบวม",
            "ยาของคนเป็นอันตรายต่อสัตว์",
            "พื้นนุ่มดีต่อข้อต่อ",
            "เล็บที่ยาวเกินไปทำให้ท่าเดินเปลี่ยน",
            "เอกซเรย์แสดงกระดูกหัก ส่วนอัลตราซาวด์แสดงเส้นเอ็น",
            "สัตว์สูงอายุเป็นข้ออักเสบในอากาศหนาว",
        ),
        matter="ในเมื่อบรูโน่เดินกะเผลกตั้งแต่วันอังคาร อย่ารอจนหมอสุดากลับมา",
        undertaking="ผมจะเตือนพรุ่งนี้เก้าโมง",
        items=(
            ("คลินิกที่สีลม", "เปิดกลางคืนและรับสัตว์ทุกชนิด"),
            ("โรงพยาบาลที่อารีย์", "อยู่ใกล้และไม่ต้องนัด"),
            ("ตรวจที่บ้าน", "แพงกว่าแต่ไม่ต้องเดินทาง"),
        ),
        question="อยากได้แบบไหนคะ?",
        choice="เอาอันที่สองค่ะ",
    ),
}
